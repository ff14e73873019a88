package config

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = DescribeTable("headers whose value is a secret", func(name string, secret bool) {
	Expect(SensitiveHeader(name)).To(Equal(secret))
},
	Entry("authorization", "Authorization", true),
	Entry("proxy authorization", "proxy-authorization", true),
	Entry("api key", "X-API-Key", true),
	Entry("api key of one cloud", "api-key", true),
	Entry("api key of another", "Ocp-Apim-Subscription-Key", true),
	Entry("and of a third", "x-goog-api-key", true),
	Entry("function key", "X-Functions-Key", true),
	Entry("shared access signature", "aeg-sas-key", true),
	Entry("session token of a cloud", "X-Amz-Security-Token", true),
	Entry("cookies", "Cookie", true),
	Entry("cookies of an answer", "Set-Cookie", true),
	Entry("forgery token", "X-XSRF-TOKEN", true),
	Entry("a vendor's token", "X-Acme-Token", true),
	Entry("a vendor's session", "X-Acme-Session", true),
	Entry("password in the middle", "My-Passwd-2", true),
	Entry("signature", "X-Hub-Signature-256", true),
	Entry("routing headers of this program stay readable", "X-Session-Affinity", false),
	Entry("so does the session's id", "X-Session-ID", false),
	Entry("and the correlation id", "X-Correlation-ID", false),
	Entry("content type", "Content-Type", false),
	Entry("tenant", "X-Tenant", false),
	Entry("nothing", "", false),
)

var _ = DescribeTable("body fields whose value is a secret", func(name string, secret bool) {
	Expect(SensitiveField(name)).To(Equal(secret))
},
	Entry("api key", "api_key", true),
	Entry("token", "token", true),
	Entry("access token", "user_access_token", true),
	Entry("password", "db_password", true),
	Entry("max_tokens counts tokens", "max_tokens", false),
	Entry("stop token ids are sizes", "stop_token_ids", false),
	Entry("a session id is none", "session_id", false),
)

var _ = DescribeTable("URLs", func(raw, want string) {
	Expect(RedactURL(raw)).To(Equal(want))
},
	Entry("without secrets it stays as it is", "http://h:8000/v1?x=1&y=%2F", "http://h:8000/v1?x=1&y=%2F"),
	Entry("user and password", "https://u:p@h/v1", "https://<redacted>@h/v1"),
	Entry("an at sign in the password", "https://u:p@q@h/v1", "https://<redacted>@h/v1"),
	Entry("user alone", "https://token@h", "https://<redacted>@h"),
	Entry("without a scheme", "u:p@h:1/x", "<redacted>@h:1/x"),
	Entry("an at sign in the path is none", "http://h/a@b", "http://h/a@b"),
	Entry("api key", "http://h/?api_key=abc&z=1", "http://h/?api_key=<redacted>&z=1"),
	Entry("case does not count", "http://h/?API_KEY=abc", "http://h/?API_KEY=<redacted>"),
	Entry("name with escapes", "http://h/?api%5Fkey=abc", "http://h/?api%5Fkey=<redacted>"),
	Entry("some kind of token", "http://h/?refresh_token=abc", "http://h/?refresh_token=<redacted>"),
	Entry("signature of a store", "http://h/?X-Amz-Signature=abc&X-Amz-Date=1", "http://h/?X-Amz-Signature=<redacted>&X-Amz-Date=1"),
	Entry("credential of another", "http://h/?x-goog-credential=abc", "http://h/?x-goog-credential=<redacted>"),
	Entry("in the fragment", "http://h/#access_token=abc", "http://h/#access_token=<redacted>"),
	Entry("key without a value", "http://h/?key", "http://h/?key"),
	Entry("no URL at all", "%%%", "%%%"),
)

var _ = DescribeTable("error texts", func(text, want string) {
	Expect(NewRedactor("known-secret-1").Text(text)).To(Equal(want))
},
	Entry("a plain sentence stays", "status 503: model is loading", "status 503: model is loading"),
	Entry("a known secret wherever it is", "bad value xknown-secret-1y", "bad value x<redacted>y"),
	Entry("an authorization header", "sent Authorization: Bearer abc.def", "sent Authorization: <redacted>"),
	Entry("up to the end of the value", "authorization: Bearer abc.def, x: y", "authorization: <redacted>, x: y"),
	Entry("quoted", `{"Authorization": "Bearer abc"}`, `{"Authorization": <redacted>}`),
	Entry("a bearer on its own", "got bearer abcdefghijkl here", "got bearer <redacted> here"),
	Entry("an assignment", "api_key=abc123 failed", "api_key=<redacted> failed"),
	Entry("a token", "token=abc&x=1", "token=<redacted>&x=1"),
	Entry("a JSON member", `{"client_secret":"abc","a":1}`, `{"client_secret":<redacted>,"a":1}`),
	Entry("a header name", "X-Api-Key: abc123", "X-Api-Key: <redacted>"),
	Entry("credentials in a URL", "dial http://u:p@h:1/x", "dial http://<redacted>@h:1/x"),
	Entry("counts of tokens stay", "max_tokens: 5 is above 4", "max_tokens: 5 is above 4"),
)

var _ = Describe("the redactor of a run", func() {
	It("knows every secret that the run was given", func() {
		run := &Run{Mesh: Mesh{Token: "mesh-token-value"}}
		e := &run.Benchmark.Endpoint
		e.APIKey = "sk-api-key"
		e.Headers = []Header{{"Authorization", "Bearer bear-secret"}, {"X-Tenant", "acme"}}
		e.Extra = []KeyValue{{"api_key", []byte(`"field-secret"`)}, {"temperature", []byte("0.5")}}
		e.URLs = []string{"https://user:url-secret@h/?token=query-secret"}
		text := run.Redactor().Text("sk-api-key bear-secret acme field-secret 0.5 url-secret query-secret mesh-token-value")
		Expect(text).To(Equal("<redacted> <redacted> acme <redacted> 0.5 <redacted> <redacted> <redacted>"))
	})
	It("replaces the longer of two secrets first", func() {
		Expect(NewRedactor("abcd", "abcdef").Text("x abcdef y")).To(Equal("x <redacted> y"))
	})
	It("leaves texts alone when a secret is too short to be searched for", func() {
		Expect(NewRedactor("a").Text("a banana")).To(Equal("a banana"))
	})
})
