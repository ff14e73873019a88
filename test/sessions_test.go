package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

type chatMessage struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

// messagesOf are the messages of a logged request.
func (a answered) messagesOf() []chatMessage {
	GinkgoHelper()
	var body struct {
		Messages []chatMessage `json:"messages"`
	}
	Expect(json.Unmarshal([]byte(a.Body), &body)).To(Succeed(), a.Body)
	return body.Messages
}

// bySession groups what the server saw, each session in order of arrival.
func bySession(log []answered) map[string][]answered {
	out := map[string][]answered{}
	for _, a := range log {
		out[a.CorrelationID] = append(out[a.CorrelationID], a)
	}
	return out
}

// What the server saw is what a conversation is: each turn carries all before it.
var _ = Describe("sessions of several turns", Label("e2e"), func() {
	const thinkMS = 20
	conversations := []string{"--session-turns-mean", "4", "--session-turns-stddev", "2",
		"--session-turn-delay-mean", fmt.Sprint(thinkMS), "--isl", "16", "--osl", "4", "--random-seed", "11"}
	server := func(more ...string) (url, log string) {
		log = filepath.Join(GinkgoT().TempDir(), "requests.jsonl")
		return target(append([]string{"--ttft", "2", "--itl", "1", "--request-log", log, "--request-log-bodies"}, more...)...), log
	}

	It("grow their history exactly, think, and stay with their worker", func() {
		url, log := server()
		p, code := aiperf(profileArgs(url, artifacts(), append(conversations, "--num-sessions", "200", "--concurrency", "40", "--workers-max", "4")...)...)
		Expect(code).To(BeZero(), p.output())
		sessions := bySession(serverLog(log))
		Expect(sessions).To(HaveLen(200))
		lengths := map[int]int{}
		for id, turns := range sessions {
			lengths[len(turns)]++
			for i := 1; i < len(turns); i++ {
				before, now := turns[i-1].messagesOf(), turns[i].messagesOf()
				Expect(now).To(HaveLen(len(before)+2), "session %s, turn %d", id, i)
				Expect(now[:len(before)]).To(Equal(before))
				Expect(now[len(before)]).To(Equal(chatMessage{"assistant", turns[i-1].Answer}))
				Expect(now[len(before)+1].Role).To(Equal("user"))
				// The think time counts from when the answer was in, which is later than when it left.
				Expect(turns[i].ArrivalPerfNS - turns[i-1].EndPerfNS).To(BeNumerically(">", (thinkMS-2)*int64(time.Millisecond)))
			}
		}
		Expect(len(lengths)).To(BeNumerically(">=", 5), "sessions of many lengths: %v", lengths)
		workers, counts := map[string]map[any]bool{}, map[float64]float64{}
		for _, line := range p.lines() {
			id := at(line, "metadata", "x_correlation_id").(string)
			if workers[id] == nil {
				workers[id] = map[any]bool{}
			}
			workers[id][at(line, "metadata", "worker_id")] = true
			counts[number(line, "metadata", "turn_index")]++
		}
		all := map[any]bool{}
		for id, of := range workers {
			Expect(of).To(HaveLen(1), "session %s changed its worker", id)
			for w := range of {
				all[w] = true
			}
		}
		Expect(all).To(HaveLen(4), "the load is spread over all workers")
		turns, ok := p.summary()["ttft_by_turn"].([]any)
		Expect(ok).To(BeTrue(), p.output())
		for _, t := range turns {
			turn := t.(map[string]any)
			Expect(number(turn, "count")).To(Equal(counts[number(turn, "turn_index")]))
			Expect(number(turn, "p50_ms")).To(BeNumerically(">", 1))
		}
		Expect(turns).To(HaveLen(len(counts)))
	})

	It("are the same for one worker and four: the same requests, each session in the same order", func() {
		run := func(more ...string) (all []string, order map[string][]string, seen []string) {
			url, log := server()
			p, code := aiperf(profileArgs(url, artifacts(), append(append([]string{}, conversations...), more...)...)...)
			Expect(code).To(BeZero(), p.output())
			conversation := map[string]string{}
			for _, line := range p.lines() {
				conversation[at(line, "metadata", "x_request_id").(string)] = at(line, "metadata", "conversation_id").(string)
			}
			order = map[string][]string{}
			for _, a := range serverLog(log) {
				seen = append(seen, a.BodySHA256)
				order[conversation[a.RequestID]] = append(order[conversation[a.RequestID]], a.BodySHA256)
			}
			all = slices.Clone(seen)
			slices.Sort(all)
			return all, order, seen
		}
		quick := []string{"--session-delay-ratio", "0", "--num-sessions", "50"}
		all1, order1, _ := run(append(quick, "--concurrency", "16", "--workers-max", "1")...)
		all4, order4, seen4 := run(append(quick, "--concurrency", "1", "--workers-max", "4")...)
		Expect(all4).To(Equal(all1))
		Expect(order4).To(Equal(order1))
		_, _, alone := run(append(quick, "--concurrency", "1", "--workers-max", "1")...)
		Expect(seen4).To(Equal(alone), "one at a time, the order is the same overall")
	})

	It("whose requests need no history go on with another worker when theirs is killed", func() {
		linuxOnly()
		var rows strings.Builder
		for session := range 60 {
			history := ""
			for turn := range 8 {
				history += fmt.Sprintf(`{"role":"user","content":"question %d of %d"}`, turn, session)
				fmt.Fprintf(&rows, `{"session_id":"s%d","messages":[%s],"output_length":4,"delay":%d}`+"\n", session, history, session%5)
				history += fmt.Sprintf(`,{"role":"assistant","content":"answer %d"},`, turn)
			}
		}
		file := filepath.Join(GinkgoT().TempDir(), "trace.jsonl")
		Expect(os.WriteFile(file, []byte(rows.String()), 0o600)).To(Succeed())
		url, log := server("--ttft", "20")
		p := start(profileArgs(url, artifacts(), "--input-file", file, "--custom-dataset-type", "mooncake_trace", "--num-sessions", "60", "--concurrency", "20", "--workers-max", "2")...)
		p.records(30)
		p.kill("worker_")
		Expect(p.wait()).To(Equal(1), "requests were lost")
		Expect(p.summary()).NotTo(HaveKey("sessions_cut"))
		credits := p.books()
		Expect(number(credits, "issued")).To(BeEquivalentTo(60 * 8))
		Expect(number(credits, "lost")).To(BeNumerically(">", 0))
		workers := map[string]map[any]bool{}
		for _, line := range p.lines() {
			if id, ok := at(line, "metadata", "x_correlation_id").(string); ok {
				if workers[id] == nil {
					workers[id] = map[any]bool{}
				}
				workers[id][at(line, "metadata", "worker_id")] = true
			}
		}
		moved := 0
		for _, of := range workers {
			if len(of) > 1 {
				moved++
			}
		}
		Expect(moved).To(BeNumerically(">", 0), "sessions went on elsewhere")
		for id, turns := range bySession(serverLog(log)) {
			for i := 1; i < len(turns); i++ {
				Expect(len(turns[i].messagesOf())).To(BeNumerically(">", len(turns[i-1].messagesOf())), "the order of session %s is kept", id)
			}
		}
	})

	It("that a killed worker takes along are named, and the others are finished", func() {
		linuxOnly()
		url, _ := server("--ttft", "20")
		p := start(profileArgs(url, artifacts(), append(conversations, "--num-sessions", "200", "--concurrency", "40", "--workers-max", "2")...)...)
		p.records(100)
		_, pid := p.find("worker_")
		Expect(syscall.Kill(pid, syscall.SIGKILL)).To(Succeed())
		Expect(p.wait()).To(Equal(1), "the run is not complete")
		s := p.summary()
		p.books()
		cut := map[string]float64{}
		named, _ := at(s, "sessions_cut", "sessions").([]any)
		for _, v := range named {
			c := v.(map[string]any)
			cut[c["x_correlation_id"].(string)] = number(c, "turns_sent")
			Expect(number(c, "turns_sent")).To(BeNumerically("<", number(c, "turns")))
		}
		Expect(cut).NotTo(BeEmpty())
		Expect(number(s, "sessions_cut", "count")).To(BeEquivalentTo(len(cut)))
		// Every turn that was sent has its record. A record that died inside the worker, after
		// the answer was reported, stands in the books without the name of its session.
		turns, nameless := map[string]float64{}, 0
		for _, line := range p.lines() {
			if id, ok := at(line, "metadata", "x_correlation_id").(string); ok {
				turns[id]++
				continue
			}
			nameless++
			Expect(at(line, "error", "type")).To(Equal("WorkerLost"))
		}
		missing := 0
		for id, n := range cut {
			Expect(turns[id]).To(BeNumerically("<=", n), "session %s", id)
			missing += int(n - turns[id])
		}
		Expect(missing).To(BeNumerically("<=", nameless))
		Expect(len(turns)).To(BeNumerically(">=", 200-nameless), "every session was begun")
	})
})
