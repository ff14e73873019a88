package mockserver

import (
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = DescribeTable("rankings", func(route, body, list, score string) {
	url, _ := serve(quick())
	resp, answer := post(url+route, body)
	Expect(resp.StatusCode).To(Equal(200), answer)
	var ranked []map[string]float64
	if list == "" {
		Expect(json.Unmarshal([]byte(answer), &ranked)).To(Succeed())
	} else {
		var whole map[string]json.RawMessage
		Expect(json.Unmarshal([]byte(answer), &whole)).To(Succeed())
		Expect(json.Unmarshal(whole[list], &ranked)).To(Succeed())
		Expect(string(whole["usage"])).To(ContainSubstring(`"prompt_tokens":5`))
	}
	Expect(ranked).To(HaveLen(3))
	places := map[float64]bool{}
	for i, r := range ranked {
		places[r["index"]] = true
		if i > 0 {
			Expect(r[score]).To(BeNumerically("<", ranked[i-1][score]))
		}
	}
	Expect(places).To(HaveLen(3))
	_, again := post(url+route, body)
	Expect(again).To(Equal(answer))
	resp, _ = post(url+route, `{"query":"q"}`)
	Expect(resp.StatusCode).To(Equal(400))
},
	Entry("of a NIM", "/v1/ranking", `{"model":"r","query":{"text":"one two"},"passages":[{"text":"a"},{"text":"b"},{"text":"c"}]}`, "rankings", "logit"),
	Entry("of TEI", "/rerank", `{"query":"one two","texts":["a","b","c"]}`, "", "score"),
	Entry("of Cohere", "/v2/rerank", `{"model":"r","query":"one two","documents":["a","b","c"]}`, "results", "relevance_score"),
)
