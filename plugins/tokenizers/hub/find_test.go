package hub

import (
	"context"
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("finding a tokenizer", func() {
	var (
		dir string
		env map[string]string
	)
	BeforeEach(func() {
		dir = GinkgoT().TempDir()
		// Nobody listens there: whoever asks the network by mistake fails.
		env = map[string]string{"HF_HOME": filepath.Join(dir, "hf"), "HOME": dir, "HF_ENDPOINT": "http://127.0.0.1:1"}
	})
	find := func(ctx context.Context, name, revision string) (Found, error) {
		return Find(ctx, Ask{Name: name, Revision: revision, WorkingDir: dir, Env: func(k string) string { return env[k] }})
	}
	failure := func(err error) *Failure {
		GinkgoHelper()
		var f *Failure
		Expect(err).To(BeAssignableToTypeOf(f))
		return err.(*Failure)
	}
	write := func(path, text string) string {
		GinkgoHelper()
		path = filepath.Join(dir, path)
		Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
		Expect(os.WriteFile(path, []byte(text), 0o644)).To(Succeed())
		return path
	}
	// cached puts a repository into the cache.
	cached := func(repo, revision string) string {
		GinkgoHelper()
		write("hf/hub/"+repo+"/refs/"+revision, sha)
		return filepath.Dir(write("hf/hub/"+repo+"/snapshots/"+sha+"/tokenizer.json", "{}"))
	}

	Describe("in a folder", func() {
		It("takes absolute and relative ones, those under the home, and single files", func(ctx context.Context) {
			file := write("mine/tokenizer.json", "{}")
			for _, name := range []string{filepath.Dir(file), "./mine", "mine", "~/mine"} {
				Expect(find(ctx, name, "")).To(Equal(Found{Dir: filepath.Dir(file)}), name)
			}
			Expect(find(ctx, file, "")).To(Equal(Found{Dir: file}))
		})

		It("says when there is none, or nothing in it", func(ctx context.Context) {
			_, err := find(ctx, "./nowhere", "")
			Expect(failure(err).Kind).To(Equal(NoFolder))
			write("empty/readme.txt", "")
			_, err = find(ctx, "./empty", "")
			Expect(failure(err).Kind).To(Equal(NoFiles))
			Expect(err).To(MatchError(And(ContainSubstring("tokenizer.json"), ContainSubstring("--tokenizer builtin"), ContainSubstring("--use-server-token-count"))))
		})
	})

	Describe("in the cache", func() {
		It("needs no network: by id, by the name alone, by branch and by commit", func(ctx context.Context) {
			at := cached("models--Qwen--Qwen3-0.6B", "main")
			write("hf/hub/models--Qwen--Qwen3-0.6B/refs/pr/1", sha)
			for _, revision := range []string{"", "main", sha, "pr/1"} {
				Expect(find(ctx, "Qwen/Qwen3-0.6B", revision)).To(Equal(Found{Dir: at, ID: "Qwen/Qwen3-0.6B"}), revision)
			}
			found, err := find(ctx, "qwen3-0.6b", "")
			Expect(err).NotTo(HaveOccurred())
			Expect(found.ID).To(Equal("Qwen/Qwen3-0.6B"))
			Expect(found.Note).NotTo(BeEmpty())
		})

		It("is where HF_HUB_CACHE or the home says", func(ctx context.Context) {
			write("elsewhere/models--a--b/refs/main", sha)
			write("elsewhere/models--a--b/snapshots/"+sha+"/tokenizer.model", "x")
			env["HF_HUB_CACHE"] = filepath.Join(dir, "elsewhere")
			Expect(find(ctx, "a/b", "")).To(HaveField("ID", "a/b"))
			delete(env, "HF_HUB_CACHE")
			delete(env, "HF_HOME")
			write(".cache/huggingface/hub/models--c--d/refs/main", sha)
			write(".cache/huggingface/hub/models--c--d/snapshots/"+sha+"/tokenizer.json", "x")
			Expect(find(ctx, "c/d", "")).To(HaveField("ID", "c/d"))
		})

		It("is all there is when the network is off", func(ctx context.Context) {
			env["HF_HUB_OFFLINE"] = "1"
			cached("models--one--same", "main")
			cached("models--two--same", "main")
			_, err := find(ctx, "not/there", "")
			Expect(failure(err).Kind).To(Equal(NotCached))
			Expect(err).To(MatchError(ContainSubstring("HF_HUB_OFFLINE=1")))
			_, err = find(ctx, "one/same", "v2")
			Expect(failure(err).Kind).To(Equal(RevisionNotCached))
			_, err = find(ctx, "same", "")
			Expect(failure(err).Kind).To(Equal(Ambiguous))
			Expect(err).To(MatchError(And(ContainSubstring("one/same"), ContainSubstring("two/same"))))
		})

		It("does not let a reference lead out of it", func(ctx context.Context) {
			env["HF_HUB_OFFLINE"] = "true"
			write("outside/tokenizer.json", "{}")
			write("hf/hub/models--a--b/refs/main", "../../../../outside")
			_, err := find(ctx, "a/b", "")
			Expect(failure(err).Kind).To(Equal(RevisionNotCached))
		})
	})

	Describe("on the hub", func() {
		var hub *hubServer
		BeforeEach(func() {
			hub = newHub(map[string]repository{
				"org/model":       {commit: sha, files: map[string]string{"tokenizer.json": "{}", "tokenizer_config.json": "{\"a\":1}", "weights.bin": "no"}},
				"org/secret":      {commit: sha, gated: true, files: map[string]string{"tokenizer.json": "{}"}},
				"org/bare":        {commit: sha, files: map[string]string{"weights.bin": "no"}},
				"x/gpt-mini":      {commit: sha, downloads: 5, files: map[string]string{"tokenizer.model": "x"}},
				"y/GPT-mini":      {commit: sha, downloads: 50, files: map[string]string{"tokenizer.json": "y"}},
				"y/gpt-mini-chat": {commit: sha, downloads: 500, files: map[string]string{"tokenizer.json": "z"}},
				"old/name":        {commit: sha, renamed: "new/name", files: map[string]string{"tokenizer.json": "{}"}},
			})
			env["HF_ENDPOINT"] = hub.URL
		})

		It("fetches what makes the tokenizer, once, in the layout of the cache", func(ctx context.Context) {
			env["HF_TOKEN"] = "good"
			found, err := find(ctx, "org/model", "")
			Expect(err).NotTo(HaveOccurred())
			Expect(found).To(Equal(Found{Dir: filepath.Join(dir, "hf/hub/models--org--model/snapshots", sha), ID: "org/model"}))
			Expect(os.ReadFile(filepath.Join(found.Dir, "tokenizer_config.json"))).To(BeEquivalentTo(`{"a":1}`))
			Expect(os.Readlink(filepath.Join(found.Dir, "tokenizer.json"))).To(HavePrefix("../../blobs/"))
			Expect(filepath.Join(found.Dir, "weights.bin")).NotTo(BeAnExistingFile())
			Expect(hub.auth).To(HaveEach("Bearer good"))
			asked := len(hub.asked)
			Expect(find(ctx, "org/model", sha)).To(Equal(found))
			Expect(hub.asked).To(HaveLen(asked), "it is in the cache")
			left, err := filepath.Glob(filepath.Join(dir, "hf/hub/*/blobs/.incomplete*"))
			Expect(err).NotTo(HaveOccurred())
			Expect(left).To(BeEmpty())
		})

		It("fetches again what the cache has only a broken link to", func(ctx context.Context) {
			snapshot := filepath.Join(dir, "hf/hub/models--org--model/snapshots", sha)
			Expect(os.MkdirAll(snapshot, 0o755)).To(Succeed())
			Expect(os.Symlink("../../blobs/gone", filepath.Join(snapshot, "tokenizer.json"))).To(Succeed())
			found, err := find(ctx, "org/model", "")
			Expect(err).NotTo(HaveOccurred())
			Expect(os.ReadFile(filepath.Join(found.Dir, "tokenizer.json"))).To(BeEquivalentTo("{}"))
			Expect(filepath.Glob(filepath.Join(snapshot, ".*"))).To(BeEmpty())
		})

		It("keeps a renamed repository under the name that was asked for", func(ctx context.Context) {
			Expect(find(ctx, "old/name", "")).To(HaveField("ID", "old/name"))
			env["HF_HUB_OFFLINE"] = "1"
			Expect(find(ctx, "old/name", "")).To(HaveField("ID", "old/name"))
		})

		It("searches for a name alone: the most downloaded repository that ends in it", func(ctx context.Context) {
			found, err := find(ctx, "gpt-mini", "")
			Expect(err).NotTo(HaveOccurred())
			Expect(found.ID).To(Equal("y/GPT-mini"))
		})

		It("lets the user choose when the search finds only others", func(ctx context.Context) {
			_, err := find(ctx, "mini-chat", "")
			Expect(failure(err).Kind).To(Equal(Ambiguous))
			Expect(err).To(MatchError(ContainSubstring("--tokenizer y/gpt-mini-chat")))
		})

		DescribeTable("names the cause", func(ctx context.Context, name, revision string, kind Kind, text string) {
			_, err := find(ctx, name, revision)
			Expect(failure(err).Kind).To(Equal(kind), err.Error())
			Expect(err).To(MatchError(And(ContainSubstring(name), ContainSubstring(text), ContainSubstring("tried"))))
		},
			Entry("not there", "org/nothing", "", NotFound, "HF_TOKEN"),
			Entry("no such revision", "org/model", "v9", RevisionNotFound, "--tokenizer-revision"),
			Entry("gated", "org/secret", "", Gated, "accept its terms"),
			Entry("no files of a tokenizer", "org/bare", "", NoFiles, "no tokenizer.json"),
		)

		It("is told from a hub that cannot be reached, and from one that does not answer", func(ctx context.Context) {
			hub.Close()
			_, err := find(ctx, "org/model", "")
			Expect(failure(err).Kind).To(Equal(HubError))
			past, cancel := context.WithDeadline(ctx, time.Unix(1, 0))
			defer cancel()
			_, err = find(past, "org/model", "")
			Expect(failure(err).Kind).To(Equal(TimedOut))
		})

		It("shows no password of HF_ENDPOINT, and not the token", func(ctx context.Context) {
			env["HF_TOKEN"] = "hush"
			for _, endpoint := range []string{"http://me:hush@127.0.0.1:1", "http://me:hush@127.0.0.1:x"} {
				env["HF_ENDPOINT"] = endpoint
				_, err := find(ctx, "org/model", "")
				Expect(failure(err).Kind).To(Equal(HubError))
				Expect(err.Error()).NotTo(ContainSubstring("hush"))
			}
		})

		It("leaves nothing of a download that breaks off", func(ctx context.Context) {
			hub.cut.Store(true)
			_, err := find(ctx, "org/model", "")
			Expect(failure(err).Kind).To(Equal(HubError))
			hub.cut.Store(false)
			Expect(find(ctx, "org/model", "")).To(HaveField("ID", "org/model"))
		})

		It("says when the cache cannot be written", func(ctx context.Context) {
			write("hf", "a file")
			_, err := find(ctx, "org/model", "")
			Expect(failure(err).Kind).To(Equal(CacheError))
		})
	})

	DescribeTable("refuses what can be no revision", func(ctx context.Context, revision string) {
		_, err := find(ctx, "org/model", revision)
		Expect(failure(err).Kind).To(Equal(BadName))
		Expect(err).To(MatchError(ContainSubstring("--tokenizer-revision wants a branch, a tag or a commit")))
	},
		Entry("a way out", "../../secret"), Entry("an absolute path", "/etc"), Entry("dots inside", "a/../b"), Entry("a space", "a b"), Entry("a line end", "a\n"),
	)

	DescribeTable("refuses what can be no name", func(ctx context.Context, name string) {
		_, err := find(ctx, name, "")
		Expect(failure(err).Kind).To(Equal(BadName))
	},
		Entry("two slashes", "a/b/c"), Entry("a space", "a b"), Entry("dots", "a/.."),
		Entry("what the cache's layout cannot hold", "a--b/c"),
	)
})
