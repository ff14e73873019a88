package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// mediaFlags shape synthetic pictures and sound.
func mediaFlags() []*Flag {
	return []*Flag{
		{Names: names("image-batch-size", "batch-size-image"), Group: GroupImage, Target: "datasets.main.images.batch_size", Default: "0; 1 with another image flag",
			Help:  "Pictures in one request.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.ImageBatchSize }, from(0))},
		{Names: names("image-width-mean"), Group: GroupImage, Target: "datasets.main.images.width.mean", Default: "512",
			Help:  "Width of a picture in pixels, on average.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.ImageWidthMean }, from(0))},
		{Names: names("image-width-stddev"), Group: GroupImage, Target: "datasets.main.images.width.stddev", Default: "0",
			Help:  "Spread of the width.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.ImageWidthStddev }, from(0))},
		{Names: names("image-height-mean"), Group: GroupImage, Target: "datasets.main.images.height.mean", Default: "512",
			Help:  "Height of a picture in pixels, on average.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.ImageHeightMean }, from(0))},
		{Names: names("image-height-stddev"), Group: GroupImage, Target: "datasets.main.images.height.stddev", Default: "0",
			Help:  "Spread of the height.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.ImageHeightStddev }, from(0))},
		{Names: names("image-format"), Group: GroupImage, Target: "datasets.main.images.format", Default: FormatJPEG,
			Help:  "How pictures are encoded; random takes one of the two for each.",
			Value: choice(func(f *Flags) *Opt[string] { return &f.ImageFormat }, FormatPNG, FormatJPEG, FormatRand)},
		{Names: names("image-source"), Group: GroupImage, Target: "datasets.main.images.source", Default: ImageNoise,
			Help:  "What pictures show: noise, or the pictures (PNG, JPEG) of a directory, scaled to the size.",
			Value: imageSource(func(f *Flags) *Opt[string] { return &f.ImageSource })},
		{Names: names("image-source-sampling"), Group: GroupImage, Target: "datasets.main.images.source_sampling", Default: SampleDraw,
			Help:  "Which picture of the directory comes next.",
			Value: choice(func(f *Flags) *Opt[string] { return &f.ImageSourceSampling }, SampleDraw, SampleDeck, SampleCycle)},

		{Names: names("audio-batch-size", "batch-size-audio"), Group: GroupAudio, Target: "datasets.main.audio.batch_size", Default: "0; 1 with --audio-length-mean",
			Help:  "Sounds in one request.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.AudioBatchSize }, from(0))},
		{Names: names("audio-length-mean"), Group: GroupAudio, Target: "datasets.main.audio.length.mean", Default: "10",
			Help:  "Length of a sound in seconds, on average.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.AudioLengthMean }, from(shortestAudioSec))},
		{Names: names("audio-length-stddev"), Group: GroupAudio, Target: "datasets.main.audio.length.stddev", Default: "0",
			Help:  "Spread of the length.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.AudioLengthStddev }, from(0))},
		{Names: names("audio-format"), Group: GroupAudio, Target: "datasets.main.audio.format", Default: FormatWAV,
			Help:  "How sounds are encoded.",
			Value: choice(func(f *Flags) *Opt[string] { return &f.AudioFormat }, FormatWAV).later("mp3")},
		{Names: names("audio-depths"), Group: GroupAudio, Target: "datasets.main.audio.depths", Default: "16",
			Help:  "Bits of a sample, one of them for each sound: 8, 16, 24, 32.",
			Value: positives(func(f *Flags) *Opt[[]float64] { return &f.AudioDepths }, "BITS[,BITS]", audioDepth)},
		{Names: names("audio-sample-rates"), Group: GroupAudio, Target: "datasets.main.audio.sample_rates", Default: "16",
			Help:  "Samples per second in kHz, one of them for each sound; above 96 it is Hz.",
			Value: positives(func(f *Flags) *Opt[[]float64] { return &f.AudioSampleRates }, "KHZ[,KHZ]", audioRate)},
		{Names: names("audio-num-channels"), Group: GroupAudio, Target: "datasets.main.audio.channels", Default: "1",
			Help:  "Mono or stereo.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.AudioChannels }, within(1, 2))},
	}
}

const shortestAudioSec = 0.01

// Depths are the sample sizes that sounds can have, in bits.
var Depths = []int{8, 16, 24, 32}

func audioDepth(v float64) (float64, string) {
	if v != float64(int(v)) || !slices.Contains(Depths, int(v)) {
		return 0, "no such sample size; there are: 8, 16, 24, 32"
	}
	return v, ""
}

// audioRate is in kHz; a value above 96 was in Hz.
func audioRate(v float64) (float64, string) {
	if v > 96 {
		v /= 1000
	}
	if v > 768 || v < 1 {
		return 0, "must be between 1 and 768 kHz"
	}
	return v, ""
}

// imageSource is a fixed name, or a directory.
func imageSource(at func(*Flags) *Opt[string]) Value {
	v := text(at, "noise|DIR")
	inner := v.parse
	v.parse = func(f *Flags, as string, words []string) []fault {
		if strings.EqualFold(words[0], "assets") {
			return one("not supported by this version", words[0], "use noise, or name a directory of pictures")
		}
		return inner(f, as, words)
	}
	return v
}

// positives takes a comma list of numbers above 0; accept says what is wrong with one.
func positives(at func(*Flags) *Opt[[]float64], metavar string, accept func(float64) (float64, string)) Value {
	return Value{Metavar: metavar, arity: takesWords, parse: func(f *Flags, as string, words []string) []fault {
		var list []float64
		var faults []fault
		for _, word := range words {
			for _, item := range strings.Split(word, ",") {
				item = strings.TrimSpace(item)
				v, err := strconv.ParseFloat(item, 64)
				if err != nil || !(v > 0) {
					faults = append(faults, fault{reason: "expected a number above 0", got: item})
					continue
				}
				v, reason := accept(v)
				if reason != "" {
					faults = append(faults, fault{reason: reason, got: item})
					continue
				}
				list = append(list, v)
			}
		}
		if len(list) == 0 && faults == nil {
			return one("needs at least one number", "", fmt.Sprintf("write %s %s", as, metavar))
		}
		o := at(f)
		*o = Opt[[]float64]{append(o.Value, list...), true, as}
		return faults
	}}
}
