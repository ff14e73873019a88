package tokenizers

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// python is the process that the reference libraries run in.
type python struct {
	in  io.Writer
	out *bufio.Reader
}

type pythonRequest struct {
	Op      string         `json:"op"`
	Kind    string         `json:"kind,omitempty"`
	Path    string         `json:"path,omitempty"`
	Texts   []string       `json:"texts,omitempty"`
	Rounds  int            `json:"rounds,omitempty"`
	Input   string         `json:"input,omitempty"`
	Options map[string]any `json:"options,omitempty"`
}

type pythonAnswer struct {
	Version string   `json:"version"`
	Error   string   `json:"error"`
	IDs     [][]int  `json:"ids"`
	Texts   []string `json:"texts"`
	Encode  float64  `json:"encode"`
	Decode  float64  `json:"decode"`
}

// startPython starts it for one spec, which is skipped where the libraries are not there.
func startPython() *python {
	GinkgoHelper()
	program := filepath.Join("..", "..", ".cache", "python", "bin", "python")
	if _, err := os.Stat(program); err != nil {
		Skip("no Python in .cache/python: `make test-tokenizers` installs it where the network allows")
	}
	cmd := exec.Command(program, filepath.Join("testdata", "reference.py"))
	cmd.Env = append(os.Environ(), "TOKENIZERS_PARALLELISM=false")
	cmd.Stderr = GinkgoWriter
	in, err := cmd.StdinPipe()
	Expect(err).NotTo(HaveOccurred())
	out, err := cmd.StdoutPipe()
	Expect(err).NotTo(HaveOccurred())
	Expect(cmd.Start()).To(Succeed())
	DeferCleanup(func() {
		Expect(in.Close()).To(Succeed())
		Expect(cmd.Wait()).To(Succeed())
	})
	p := &python{in, bufio.NewReaderSize(out, 1<<20)}
	hello, err := p.try(pythonRequest{Op: "hello"})
	if err != nil {
		Skip("the reference libraries are not installed (" + err.Error() + "): `make test-tokenizers` installs them where the network allows")
	}
	GinkgoWriter.Println("reference: tokenizers, sentencepiece", hello.Version)
	return p
}

func (p *python) try(r pythonRequest) (a pythonAnswer, err error) {
	line, err := json.Marshal(r)
	if err != nil {
		return a, err
	}
	// Written beside the reading: a long answer may begin before the question is read.
	wrote := make(chan error, 1)
	go func() {
		_, err := p.in.Write(append(line, '\n'))
		wrote <- err
	}()
	text, err := p.out.ReadBytes('\n')
	if err = errors.Join(err, <-wrote); err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	return a, err
}

func (p *python) ask(r pythonRequest) pythonAnswer {
	GinkgoHelper()
	a, err := p.try(r)
	Expect(err).NotTo(HaveOccurred())
	return a
}

// compare sends texts to the reference and lists where its answers differ from ours.
func (p *python) compare(t *Pipeline, kind, path string, texts []string) (out []string) {
	GinkgoHelper()
	a := p.ask(pythonRequest{Op: "encode", Kind: kind, Path: path, Texts: texts})
	Expect(a.IDs).To(HaveLen(len(texts)))
	for i, text := range texts {
		got := t.Encode(text)
		if fmt.Sprint(got) != fmt.Sprint(a.IDs[i]) {
			out = append(out, firstDifference(t, text, got, a.IDs[i]))
		}
		if kind == "sentencepiece" && slices.Contains(a.IDs[i], 0) {
			continue // the library shows an unknown token by a sign of its own
		}
		if got := t.Decode(a.IDs[i]); got != a.Texts[i] {
			out = append(out, fmt.Sprintf("decoded: got %.200q, want %.200q", got, a.Texts[i]))
		}
		if len(out) >= 8 {
			break
		}
	}
	return out
}

func firstDifference(t *Pipeline, text string, got, want []int) string {
	k := 0
	for k < len(got) && k < len(want) && got[k] == want[k] {
		k++
	}
	tail := func(ids []int) []int { return ids[k:min(len(ids), k+8)] }
	return fmt.Sprintf("text of %d bytes, after %q: got %v %q, want %v %q", len(text),
		t.Decode(want[max(0, k-4):k]), tail(got), t.Decode(tail(got)), tail(want), t.Decode(tail(want)))
}
