package exporters

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
)

func render(run *config.Run, r *Report, o ConsoleOptions) string {
	GinkgoHelper()
	var b bytes.Buffer
	Expect(RenderConsole(&b, run, r, o)).To(Succeed())
	return b.String()
}

// layout is a text without empty lines and spaces at line ends.
func layout(text string) []string {
	var lines []string
	for _, l := range strings.Split(text, "\n") {
		if l = strings.TrimRight(l, " "); l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

// between cuts the lines from the first that contains from, up to the first after it
// that contains to (not included).
func between(lines []string, from, to string) []string {
	GinkgoHelper()
	for i, l := range lines {
		if strings.Contains(l, from) {
			for k := i + 1; k < len(lines); k++ {
				if strings.Contains(lines[k], to) {
					return lines[i:k]
				}
			}
			return lines[i:]
		}
	}
	Fail("no line contains " + from)
	return nil
}

var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

// fullReport has every block of the report.
func fullReport() (*config.Run, *Report) {
	run, r := sampleRun("/run"), sampleReport()
	p := r.Profile
	p.IsComplete, p.WasCancelled, p.IncompleteReason = false, true, "Run cancelled before all records were processed."
	p.ErrorSummary = append(p.ErrorSummary, messages.ErrorCount{Count: 1, Details: messages.ErrorDetails{Code: ptr(int64(422)), Type: "Unprocessable Entity",
		Message: `{"object":"error","message":"[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), 'msg': 'Extra inputs are not permitted'}]","code":400}`}})
	p.Quality.Verdict = metrics.VerdictInvalid
	p.Quality.Reasons = []string{"the run is incomplete: cancelled", "12.0 % of the asked load was not delivered (88.00 of 100.00 requests/s)"}
	p.Quality.LostTicks, p.Quality.Reanchors, p.Quality.Credits.Lost = 3, 2, 1
	p.Quality.Processes = []metrics.ProcessDeath{
		{ServiceID: "worker_1", ServiceType: "worker", How: "killed by signal 9", Restarted: true, CreditsLost: 1},
		{ServiceID: "gpu_telemetry_manager", ServiceType: "gpu_telemetry_manager", How: "exit code 1"},
	}
	r.Files = []string{"/run/profile_export.jsonl", "/run/profile_export_aiperf.json", "/run/inputs.json", "/run/own_plugin.xml"}
	r.FailedExporters = []string{"csv", "own_exporter"}
	return run, r
}

var _ = Describe("the report on the console", func() {
	DescribeTable("looks like this", func(golden string, o ConsoleOptions) {
		run, r := fullReport()
		expectGolden("golden/"+golden, []byte(render(run, r, o)))
	},
		Entry("in 80 columns", "console_80.txt", ConsoleOptions{Width: 80}),
		Entry("in 120 columns", "console_120.txt", ConsoleOptions{Width: 120}),
		Entry("in 100 columns", "console_100.txt", ConsoleOptions{Width: 100}),
		Entry("in 200 columns", "console_200.txt", ConsoleOptions{Width: 200}),
		Entry("in 80 columns with colour", "console_80_color.txt", ConsoleOptions{Width: 80, Color: true}),
		Entry("in 120 columns with colour", "console_120_color.txt", ConsoleOptions{Width: 120, Color: true}),
		Entry("in 200 columns with colour", "console_200_color.txt", ConsoleOptions{Width: 200, Color: true}),
	)

	It("is the same text with and without colour, and never wider than asked for", func() {
		run, r := fullReport()
		run.CLICommand = "aiperf profile" // paths and the command stay in one piece
		for _, width := range []int{60, 80, 120} {
			plain := render(run, r, ConsoleOptions{Width: width})
			Expect(escape.ReplaceAllString(render(run, r, ConsoleOptions{Width: width, Color: true}), "")).To(Equal(plain))
			for _, line := range strings.Split(plain, "\n") {
				if !strings.Contains(line, "/run/") {
					Expect(textWidth(line)).To(BeNumerically("<=", width), line)
				}
			}
		}
	})

	It("has no escape sequence under NO_COLOR", func() {
		run, r := fullReport()
		run.Environment.NoColor = true
		Expect(render(run, r, ConsoleOptions{Width: 120, Color: true})).NotTo(ContainSubstring("\x1b"))
	})

	It("puts exactly one empty line before each block", func() {
		run, r := fullReport()
		text := render(run, r, ConsoleOptions{Width: 120})
		Expect(text).To(HavePrefix("\nNVIDIA AIPerf | INCOMPLETE RESULTS\n"))
		head := strings.Index(text, "GPU Telemetry Summary") // its title has an empty line of its own
		Expect(text[:head]).NotTo(ContainSubstring("\n\n\n"))
	})

	// The tables and panels of real runs, line by line. Ours has one empty line where
	// theirs has one or two, and no spaces at line ends.
	DescribeTable("lays tables and panels out as AIPerf (Python)", func(name, file string, width int, from, to string) {
		run, r := load(name)
		ours := layout(render(run, r, ConsoleOptions{Width: width}))
		Expect(between(ours, from, to)).To(Equal(between(layout(string(fixture(name+"/"+file))), from, to)))
	},
		Entry("tables of three groups and the hint", "chat-streaming", "profile_export_console.txt", 140, "LLM Metrics: Effective", "╭"),
		Entry("the discrepancy panel", "chat-streaming", "profile_export_console.txt", 140, "Token Count Discrepancy", "╰"),
		Entry("without streaming: the first table", "chat-nonstreaming", "profile_export_console.txt", 140, "LLM Metrics: Effective", "LLM Metrics: "),
		Entry("without streaming: usage and main table", "chat-nonstreaming", "profile_export_console.txt", 140, "LLM Metrics: Usage", "╭"),
		Entry("the error table", "failures", "profile_export_console.txt", 140, "Error Summary", "LLM Metrics"),
		Entry("error-adjusted rows", "failures", "profile_export_console.txt", 140, "LLM Metrics: Effective", "╭"),
		Entry("a table that is too wide: labels give way", "failures", "console_120.txt", 120, "LLM Metrics: Effective", "╭"),
		Entry("the notice of a run that was cut short", "cancelled-run", "console_120.txt", 120, "INCOMPLETE RESULTS", "LLM Metrics"),
		Entry("GPU notice", "server-and-gpu-telemetry", "profile_export_console.txt", 140, "GPU Telemetry Platform", "╰"),
	)

	It("lays GPU tables out as AIPerf (Python)", func() {
		run, r := load("server-and-gpu-telemetry")
		for i := range r.Telemetry.Endpoints[0].GPUs {
			r.Telemetry.Endpoints[0].GPUs[i].Metrics[1].Avg = ptr(0.0) // theirs shows so small an energy as 0.00
		}
		theirs := layout(string(fixture("server-and-gpu-telemetry/profile_export_console.txt")))
		ours := layout(render(run, r, ConsoleOptions{Width: 140}))
		Expect(between(ours, "GPU Telemetry Summary", "╭")).To(Equal(between(theirs, "GPU Telemetry Summary", "╭")))
	})

	It("ends with the footer of AIPerf (Python), and names the records too", func() {
		run, r := load("cancelled-run")
		dir := "/srv/bench/outputs/cancelled-run/"
		r.Files = []string{dir + "profile_export_aiperf.json", dir + "profile_export.jsonl", dir + "profile_export_aiperf.csv"}
		text := render(run, r, ConsoleOptions{Width: 120})
		Expect(text[strings.Index(text, "CLI Command:"):]).To(Equal("CLI Command: " + run.CLICommand + "\n" +
			"Benchmark Duration: 1.88 sec (cancelled early)\n" +
			"CSV Export: " + dir + "profile_export_aiperf.csv\n" +
			"JSON Export: " + dir + "profile_export_aiperf.json\n" +
			"Records Export: " + dir + "profile_export.jsonl\n" +
			"Log File: " + dir + "logs/aiperf.log\n" +
			"The profile run was cancelled early. Results shown may be incomplete or inaccurate.\n"))
	})

	It("tells how to see cache hits only where there is a cache", func() {
		run, r := load("chat-streaming")
		Expect(render(run, r, ConsoleOptions{Width: 140})).To(ContainSubstring("--enable-cache-report"))
		run.Benchmark.Endpoint.Capabilities.TokenizesInput = true // and gives no tokens back
		Expect(render(run, r, ConsoleOptions{Width: 140})).NotTo(ContainSubstring("--enable-cache-report"), "embeddings")
	})

	It("shows no credentials of a GPU source, whether it answers or not", func() {
		run, r := sampleRun("/run"), sampleReport()
		r.Telemetry.EndpointsConfigured = append(r.Telemetry.EndpointsConfigured, "http://bob:hunter2@n9:9400/metrics")
		text := render(run, r, ConsoleOptions{Width: 140})
		Expect(text).To(ContainSubstring("• n9:9400 ✘ (unreachable)"))
		Expect(text).NotTo(ContainSubstring("hunter2"))
	})

	It("says that developer mode is on", func() {
		run, r := sampleRun("/run"), sampleReport()
		Expect(render(run, r, ConsoleOptions{Width: 140})).NotTo(ContainSubstring("AIPERF_DEV_MODE"))
		run.Environment.Dev.Mode = true
		Expect(render(run, r, ConsoleOptions{Width: 140})).To(HaveSuffix("Developer mode is on (AIPERF_DEV_MODE): these figures are not for comparisons.\n"))
	})

	It("leaves out a group whose every value is zero", func() {
		run, r := load("chat-nonstreaming")
		Expect(render(run, r, ConsoleOptions{Width: 140})).NotTo(ContainSubstring("LLM Metrics: Active"))
	})

	It("shows errors, quality and footer of a run in which nothing succeeded", func() {
		run, r := sampleRun("/run"), sampleReport()
		r.Telemetry = nil
		r.Profile.Records = []metrics.Result{{Tag: "error_request_count", Header: "Error Request Count", Unit: "requests", Stats: number(4), Hidden: true}}
		text := render(run, r, ConsoleOptions{Width: 100})
		Expect(text).To(ContainSubstring("Error Summary"))
		Expect(text).NotTo(ContainSubstring("LLM Metrics"))
		Expect(text).To(ContainSubstring("Benchmark Duration: 0.40 sec\n"), "the window of the phase")
	})

	It("has only a footer without results", func() {
		Expect(render(sampleRun("/run"), &Report{}, ConsoleOptions{Width: 100})).To(Equal(
			"\nCLI Command: aiperf profile --model 'qwen3' --url 'http://127.0.0.1:9100' --streaming\nLog File: /run/logs/aiperf.log\n"))
	})

	It("shows HTTP timings only on demand", func() {
		run, r := sampleRun("/run"), sampleReport()
		r.Profile.Records = append(r.Profile.Records,
			metrics.Result{Tag: "http_req_sending", Header: "HTTP Sending", Unit: "ms", Stats: distribution(2, 0.1, 40), ConsoleGroup: "none", DisplayOrder: 2030},
			metrics.Result{Tag: "http_req_blocked", Header: "HTTP Blocked", Unit: "ms", Stats: distribution(0, 0, 40), ConsoleGroup: "none", DisplayOrder: 2000})
		Expect(render(run, r, ConsoleOptions{Width: 120})).NotTo(ContainSubstring("HTTP"))
		run.Benchmark.Artifacts.ShowTraceTiming = true
		lines := between(layout(render(run, r, ConsoleOptions{Width: 120})), "HTTP Trace Timing", "└")
		Expect(lines).To(HaveLen(6))
		Expect(lines[4]).To(ContainSubstring("HTTP Blocked (ms)"))
		Expect(lines[5]).To(ContainSubstring("HTTP Sending (ms)"))
	})

	It("cannot be steered by a server's error text", func() {
		run, r := sampleRun("/run"), sampleReport()
		r.Profile.ErrorSummary[0].Details.Message = "\x1b[2Jgone\r\tand \u202eback \x07\xff"
		text := render(run, r, ConsoleOptions{Width: 120})
		Expect(text).To(ContainSubstring("[2Jgone and back �"))
		Expect(text).NotTo(ContainSubstring("\x1b"))
		Expect(text).NotTo(ContainSubstring("\r"))
	})

	It("reports a writer that fails", func() {
		err := RenderConsole(failingWriter{}, sampleRun("/run"), sampleReport(), ConsoleOptions{Width: 100})
		Expect(err).To(MatchError(errFull))
	})

	It("names a manifest that cannot be read, and shows the footer all the same", func() {
		run := sampleRun("/run")
		run.PluginManifests = []string{"/nowhere/plugins.yaml"}
		var b bytes.Buffer
		Expect(RenderConsole(&b, run, sampleReport(), ConsoleOptions{Width: 100})).To(MatchError(ContainSubstring("/nowhere/plugins.yaml")))
		Expect(b.String()).To(ContainSubstring("Log File:"))
	})

	DescribeTable("its width", func(columns, want int) {
		Expect(ReportWidth(sampleRun("/run"), columns)).To(Equal(want))
	},
		Entry("no terminal: the setting", 0, 140),
		Entry("a narrow terminal breaks long lines itself", 72, 100),
		Entry("a wide one", 200, 200),
	)
})

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errFull }

var _ = Describe("advisories", func() {
	discrepancy := func(change func(usage, isl, completion *metrics.Result)) string {
		usage := metrics.Result{Tag: "usage_prompt_tokens", Stats: distribution(75, 0, 10)}
		isl := metrics.Result{Tag: "input_sequence_length", Stats: distribution(64, 0, 10)}
		completion := metrics.Result{Tag: "usage_completion_tokens_diff_pct", Stats: distribution(0, 0, 10)}
		change(&usage, &isl, &completion)
		r := &Report{Profile: &Profile{Records: []metrics.Result{usage, isl, completion,
			{Tag: "usage_discrepancy_count", Stats: number(10)}, {Tag: "request_count", Stats: number(10)}}}}
		c := NewConsole(ConsoleOptions{Width: 200})
		ConsoleUsageDiscrepancy{}.Render(c, sampleRun("/run"), r)
		return c.buf.String()
	}

	DescribeTable("a constant prompt difference is a chat template and gets one line", func(panel bool, change func(usage, isl, completion *metrics.Result)) {
		text := discrepancy(change)
		if panel {
			Expect(text).To(ContainSubstring("10 of 10 requests (100.0%) show a difference exceeding 10% between:"))
			return
		}
		Expect(text).To(HavePrefix("The server counts 11 prompt tokens more than the client in every request"))
	},
		Entry("eleven tokens more each time", false, func(_, _, _ *metrics.Result) {}),
		Entry("also with lengths that vary alike", false, func(u, i, _ *metrics.Result) { u.Stats, i.Stats = distribution(75, 8, 10), distribution(64, 8, 10) }),
		Entry("not when they vary otherwise", true, func(u, _, _ *metrics.Result) { u.Stats = distribution(75, 4, 10) }),
		Entry("not when the constant is large", true, func(u, _, _ *metrics.Result) { u.Stats = distribution(564, 0, 10) }),
		Entry("not when the server counts fewer", true, func(u, _, _ *metrics.Result) { u.Stats = distribution(60, 0, 10) }),
		Entry("not when some requests have no usage", true, func(u, _, _ *metrics.Result) { u.Count = ptr(int64(9)) }),
		Entry("not when completions differ too", true, func(_, _, c *metrics.Result) { c.Stats = distribution(20, 0, 10) }),
	)

	It("obey the knobs that they name", func() {
		run, r := sampleRun("/run"), sampleReport()
		run.Environment.Metrics.OSLMismatchPctThreshold, run.Environment.Metrics.OSLMismatchMaxTokens = 7.5, 20
		run.Environment.Metrics.UsagePctDiffThreshold = 12.5
		run.Benchmark.Artifacts.Prefix = "foo"
		text := render(run, r, ConsoleOptions{Width: 140})
		Expect(text).To(ContainSubstring("3 of 40 requests (7.5%) have an output length that differs from the requested one by more than min(requested x 7.5%, 20 tokens)"))
		Expect(text).To(ContainSubstring("AIPERF_METRICS_OSL_MISMATCH_MAX_TOKEN_THRESHOLD=20"))
		Expect(text).To(ContainSubstring("exceeding 12.5% between"))
		Expect(text).To(ContainSubstring("Review foo.jsonl for"))
	})

	It("are silent without requests", func() {
		r := sampleReport()
		r.Profile.Records = []metrics.Result{{Tag: "osl_mismatch_count", Stats: number(3)}, {Tag: "usage_discrepancy_count", Stats: number(3)}}
		c := NewConsole(ConsoleOptions{Width: 100})
		ConsoleUsageDiscrepancy{}.Render(c, sampleRun("/run"), r)
		ConsoleOSLMismatch{}.Render(c, sampleRun("/run"), r)
		Expect(c.Empty()).To(BeTrue())
	})

	DescribeTable("a refused length field", func(message string, want bool) {
		Expect(refusesMaxCompletionTokens(message)).To(Equal(want))
	},
		Entry("in plain text", "extra_forbidden: max_completion_tokens: Extra inputs are not permitted", true),
		Entry("in a JSON message with escapes", `{"message":"extra_forbidden \"max_completion_tokens\" Extra inputs are\u0020not permitted"}`, true),
		Entry("nested as servers do it", `{"error":{"message":"extra_forbidden max_completion_tokens: Extra inputs\u0020are not permitted"}}`, true),
		Entry("another field", "extra_forbidden: min_tokens: Extra inputs are not permitted", false),
	)
})

var _ = Describe("the GPU block", func() {
	It("says that nothing was collected, only to those who asked", func() {
		run, r := sampleRun("/run"), &Report{TelemetryStatus: &messages.TelemetryStatus{EndpointsConfigured: []string{"http://n1:9400/metrics", "http://n2:9400/gpu"}}}
		c := NewConsole(ConsoleOptions{Width: 100})
		ConsoleTelemetry{}.Render(c, run, r)
		Expect(c.Empty()).To(BeTrue())
		run.Benchmark.GPUTelemetry = config.GPUTelemetry{Enabled: true, Explicit: true}
		ConsoleTelemetry{}.Render(c, run, r)
		Expect(c.buf.String()).To(Equal("No GPU telemetry data was collected during the run.\nUnreachable endpoints:\n  • n1:9400\n  • n2:9400/gpu\n"))
	})

	DescribeTable("a number", func(v float64, want string) { Expect(gpuNumber(&v).Text).To(Equal(want)) },
		Entry("two decimals and commas", 1234.5, "1,234.50"),
		Entry("a million and more", 1234567.0, "1.23e+06"),
		Entry("a small energy stays visible", 7.738e-05, "7.74e-05"),
		Entry("zero", 0.0, "0.00"),
	)
})

var _ = Describe("the quality block", func() {
	show := func(q metrics.Quality) string {
		c := NewConsole(ConsoleOptions{Width: 200})
		ConsoleQuality{}.Render(c, sampleRun("/run"), &Report{Profile: &Profile{Quality: q}})
		return c.buf.String()
	}

	It("is one line when the measurement is good", func() {
		Expect(show(sampleQuality())).To(Equal("Measurement quality: good (99.90 of 100.00 requests/s delivered, send delay p99 0.11 ms, " +
			"timer lateness p99 0.05 ms, 100.0% kernel stamps, 2.5% coalesced events, busiest worker at 37% of a core)\n"))
		Expect(show(metrics.Quality{Verdict: metrics.VerdictGood})).To(Equal("Measurement quality: good\n"))
	})

	It("is a panel with the causes otherwise", func() {
		text := show(metrics.Quality{Verdict: metrics.VerdictDegraded, Reasons: []string{"the wall clock stepped by more than 1 ms 1 time(s)"}})
		Expect(text).To(ContainSubstring("Measurement Quality: DEGRADED"))
		Expect(text).To(ContainSubstring("- the wall clock stepped by more than 1 ms 1 time(s)"))
	})

	It("adds what latencies come to from the schedule", func() {
		stats := metrics.Stats{P50: ptr(201.5), P99: ptr(2105.25)}
		for verdict, want := range map[string]string{metrics.VerdictGood: "good\n", metrics.VerdictDegraded: "DEGRADED"} {
			c := NewConsole(ConsoleOptions{Width: 200})
			ConsoleQuality{}.Render(c, sampleRun("/run"), &Report{Profile: &Profile{
				Quality: metrics.Quality{Verdict: verdict},
				Records: []metrics.Result{
					{Tag: "scheduled_time_to_first_token", Unit: "ms", Stats: stats},
					{Tag: "scheduled_request_latency", Unit: "ms", Stats: stats},
				},
			}})
			Expect(c.buf.String()).To(ContainSubstring(want))
			Expect(c.buf.String()).To(ContainSubstring(
				"Counted from the schedule: time to first token p50 201.50, p99 2105.25 ms; request latency p50 201.50, p99 2105.25 ms"))
		}
	})

	It("is silent when nobody judged", func() { Expect(show(metrics.Quality{})).To(BeEmpty()) })
})

var _ = Describe("the exit panel", func() {
	exit := func(o ConsoleOptions, errs ...messages.ExitError) string {
		GinkgoHelper()
		var b bytes.Buffer
		Expect(RenderExitPanel(&b, errs, "/srv/bench/outputs/all-fail/logs/aiperf.log", o)).To(Succeed())
		return b.String()
	}
	several := []messages.ExitError{
		{Operation: "profile_configure", FromService: "worker_2", ErrorDetails: messages.ErrorDetails{Type: "TimeoutError", Message: strings.Repeat("no answer within 600 s ", 8), Cause: "i/o timeout"}},
		{Operation: "profile_start", FromService: "worker_1", ErrorDetails: messages.ErrorDetails{Type: "TimeoutError", Message: strings.Repeat("no answer within 600 s ", 8), Cause: "i/o timeout"}},
		{Operation: "export_results", ErrorDetails: messages.ErrorDetails{Message: "csv: no space left on device", Details: map[string]any{"stage": "export", "path": "<dir>"}}},
	}
	for _, id := range []string{"d", "c", "b", "a"} {
		several = append(several, messages.ExitError{Operation: "start", FromService: id, ErrorDetails: messages.ErrorDetails{Type: "CommandError", Message: "x"}})
	}

	It("is that of AIPerf (Python)", func() {
		text := exit(ConsoleOptions{Width: 120}, messages.ExitError{Operation: "export_results", FromService: "system_controller", ErrorDetails: messages.ErrorDetails{
			Message: "All 4 inference request(s) failed. No successful responses were collected — check the server URL, endpoint path, and response format. See prior log output for per-request error details."}})
		Expect(layout(text)).To(Equal(layout(string(fixture("all-fail/exit_panel.txt")))))
	})

	It("groups what many services report", func() {
		expectGolden("golden/exit_panel_80.txt", []byte(exit(ConsoleOptions{Width: 80}, several...)))
		expectGolden("golden/exit_panel_80_color.txt", []byte(exit(ConsoleOptions{Width: 80, Color: true}, several...)))
		expectGolden("golden/exit_panel_120.txt", []byte(exit(ConsoleOptions{Width: 120}, several...)))
	})

	It("is silent without errors, and reports a writer that fails", func() {
		Expect(exit(ConsoleOptions{Width: 80})).To(BeEmpty())
		Expect(RenderExitPanel(failingWriter{}, several, "", ConsoleOptions{})).To(MatchError(errFull))
	})
})

var _ = Describe("the panels of an interrupt", func() {
	It("are that of AIPerf (Python) and one for the second", func() {
		var b bytes.Buffer
		Expect(RenderCancelPanel(&b, ConsoleOptions{Width: 120})).To(Succeed())
		Expect(layout(b.String())).To(Equal(layout(string(fixture("cancelled-run/cancel_panel.txt")))))
		b.Reset()
		Expect(RenderForceQuitPanel(&b, ConsoleOptions{Width: 80})).To(Succeed())
		Expect(b.String()).To(ContainSubstring("Force Quit"))
		Expect(errors.Is(RenderCancelPanel(failingWriter{}, ConsoleOptions{}), errFull)).To(BeTrue())
	})
})

var _ = DescribeTable("wrapping", func(text string, width int, want ...string) {
	Expect(wrapText(text, width)).To(Equal(want))
},
	Entry("a text that fits", "a b", 3, "a b"),
	Entry("between words, without spaces at line ends", "ab cd ef", 5, "ab cd", "ef"),
	Entry("a word longer than a line", "abcdefg hi", 3, "abc", "def", "g", "hi"),
	Entry("a long word after a short one starts a line", "x abcdef", 3, "x", "abc", "def"),
	Entry("line feeds", "a\nb", 9, "a", "b"),
	Entry("an empty text is one line", "", 9, ""),
	Entry("indentation is kept for what is broken off", "  - ab cd", 6, "  - ab", "  cd"),
	Entry("wide characters take two columns", "日本語 x", 4, "日本", "語 x"),
	Entry("a width of nothing still makes progress", "ab", 0, "a", "b"),
)

var _ = DescribeTable("thousands", func(in, want string) { Expect(thousands(in)).To(Equal(want)) },
	Entry("none", "123.45", "123.45"),
	Entry("some", "1234567.89", "1,234,567.89"),
	Entry("negative", "-1234", "-1,234"),
	Entry("with an exponent", "7.74e-05", "7.74e-05"),
)

func FuzzConsole(f *testing.F) {
	f.Add("Request Latency (ms)", 80)
	f.Add("日本\x1b[2J\n  x", 3)
	f.Fuzz(func(t *testing.T, text string, width int) {
		width = 20 + abs(width)%200
		c := NewConsole(ConsoleOptions{Width: width})
		c.Text(Plain, text)
		c.Panel(Panel{Title: "t", Lines: []Cell{{Text: text}}, PadX: 2})
		c.Table(Table{Columns: []Column{{Header: "a"}, {Header: "b"}}, Rows: [][]Cell{{{Text: text}, {Text: text}}}})
		for _, line := range strings.Split(c.buf.String(), "\n") {
			if textWidth(line) > width+1 { // one wide character may not fit a last column
				t.Fatalf("%d columns instead of %d: %q", textWidth(line), width, line)
			}
			if strings.ContainsAny(line, "\x1b\r\x07") {
				t.Fatalf("control character in %q", line)
			}
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -(n + 1)
	}
	return n
}
