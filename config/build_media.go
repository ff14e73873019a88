package config

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"aiperf/dataset"
)

// media resolves pictures and sound. A flag that shapes one of them turns it on.
func (l *loader) media() {
	f, d := l.f, &l.run.Benchmark.Dataset
	d.Images = Images{
		Width:  f.shape("images.width", dataset.Normal(f.ImageWidthMean.Or(defaultSidePixels), f.ImageWidthStddev.Value)),
		Height: f.shape("images.height", dataset.Normal(f.ImageHeightMean.Or(defaultSidePixels), f.ImageHeightStddev.Value)),
		Format: f.ImageFormat.Or(FormatJPEG), Source: f.ImageSource.Or(ImageNoise), SourceSampling: f.ImageSourceSampling.Or(SampleDraw),
	}
	shaped := f.ImageWidthMean.Set || f.ImageWidthStddev.Set || f.ImageHeightMean.Set || f.ImageHeightStddev.Set || f.ImageSource.Set || f.ImageSourceSampling.Set
	d.Images.BatchSize = f.ImageBatchSize.Or(oneIf(shaped))
	d.Audio = Audio{
		LengthSec: f.shape("audio.length", dataset.Normal(f.AudioLengthMean.Or(defaultAudioSec), f.AudioLengthStddev.Value)),
		Format:    f.AudioFormat.Or(FormatWAV), SampleRatesKHz: f.AudioSampleRates.Or([]float64{defaultAudioRateKHz}), Channels: f.AudioChannels.Or(1),
		BatchSize: f.AudioBatchSize.Or(oneIf(f.AudioLengthMean.Set || f.AudioLengthStddev.Set)),
	}
	for _, v := range f.AudioDepths.Or([]float64{defaultAudioDepth}) {
		d.Audio.Depths = append(d.Audio.Depths, int(v))
	}
	shortest := shortestAudioSec
	d.Audio.LengthSec.Min = &shortest
	l.imageRules()
	l.mediaEffect("picture", d.Images.Enabled(), l.run.Benchmark.Endpoint.Capabilities.SupportsImages, "image-")
	l.mediaEffect("sound", d.Audio.Enabled(), l.run.Benchmark.Endpoint.Capabilities.SupportsAudio, "audio-")
	if !d.Images.Enabled() {
		d.Images = Images{}
	}
	if !d.Audio.Enabled() {
		d.Audio = Audio{}
	}
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// mediaEffect refuses the flags of a medium that is not sent.
func (l *loader) mediaEffect(medium string, enabled, supported bool, prefix string) {
	e := &l.run.Benchmark.Endpoint
	bad := slices.ContainsFunc(mediaFlags(), func(row *Flag) bool {
		return strings.HasPrefix(row.Names[0], prefix) && l.f.givenBadly(row.Names[0])
	})
	for _, row := range mediaFlags() {
		if !strings.HasPrefix(row.Names[0], prefix) {
			continue
		}
		given, set := l.f.typed[row.Names[0]]
		switch {
		case !set || row.Names[0] == prefix+"batch-size" && !enabled:
		case !supported && e.Capabilities.EndpointPath != "":
			l.problems.add(given, fmt.Sprintf("has no effect: endpoint type %s takes no %s", e.Type, medium), "", "leave it out, or use --endpoint-type chat")
		case !enabled && !bad:
			l.problems.add(given, fmt.Sprintf("has no effect: no %s is sent", medium), "", "add --"+prefix+"batch-size 1, or leave it out")
		}
	}
}

// imageRules are about the source of pictures.
func (l *loader) imageRules() {
	f, i := l.f, &l.run.Benchmark.Dataset.Images
	if i.Source == ImageNoise {
		if i.SourceSampling != SampleDraw {
			l.problems.add(f.ImageSourceSampling.As, "has no effect on noise", f.ImageSourceSampling.Value, "name a directory with --image-source, or leave it out")
		}
		return
	}
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(i.Source, "~/") {
		i.Source = home + i.Source[1:]
	}
	i.Source = l.absolute(i.Source)
	if st, err := os.Stat(i.Source); err != nil {
		l.problems.add(f.ImageSource.As, "there is no such directory", i.Source, "use noise, or name a directory of PNG or JPEG pictures")
	} else if !st.IsDir() {
		l.problems.add(f.ImageSource.As, "is no directory", i.Source, "name the directory that holds the pictures")
	}
}

// rankings resolves queries and passages.
func (l *loader) rankings() {
	f, d := l.f, &l.run.Benchmark.Dataset
	if !l.ranks() {
		for _, o := range []Opt[int]{f.PassagesMean, f.PassagesStddev, f.PassageTokensMean, f.PassageTokensStddev, f.QueryTokensMean, f.QueryTokensStddev} {
			if o.Set {
				l.problems.add(o.As, "has no effect: endpoint type "+l.run.Benchmark.Endpoint.Type+" ranks nothing", "", "use one of the rankings endpoint types, or leave it out")
			}
		}
		return
	}
	d.Type = "synthetic_rankings"
	normal := func(name string, mean, stddev Opt[int], standard int) dataset.Distribution {
		return f.shape("rankings."+name, dataset.Normal(float64(mean.Or(standard)), float64(stddev.Value)))
	}
	d.Rankings = Rankings{
		Passages:      normal("passages", f.PassagesMean, f.PassagesStddev, defaultPassages),
		PassageTokens: normal("passage_tokens", f.PassageTokensMean, f.PassageTokensStddev, defaultPassageTokens),
		QueryTokens:   normal("query_tokens", f.QueryTokensMean, f.QueryTokensStddev, defaultQueryTokens),
	}
	for _, o := range []struct {
		set bool
		as  string
	}{
		{f.ISL.Set, f.ISL.As}, {f.ISLStddev.Set, f.ISLStddev.As}, {f.SeqDist.Set, f.SeqDist.As}, {f.RangeRatio.Set, f.RangeRatio.As}, {f.BatchSize.Set, f.BatchSize.As},
		{f.TurnsMean.Set, f.TurnsMean.As}, {f.TurnsStddev.Set, f.TurnsStddev.As}, {f.PrefixPoolSize.Set, f.PrefixPoolSize.As}, {f.PrefixLength.Set, f.PrefixLength.As},
	} {
		if o.set {
			l.problems.add(o.as, "has no effect: queries and passages have lengths of their own", "", "use --rankings-query-prompt-token-mean and --rankings-passages-prompt-token-mean")
		}
	}
}
