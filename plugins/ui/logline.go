package ui

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Where the parts of a log line are: `HH:MM:SS.mmm LEVEL    message`.
const (
	levelAt   = len("15:04:05.000 ")
	messageAt = levelAt + len("CRITICAL ")
)

const (
	longestMessage = 2000 // characters of a message on a terminal
	leastIndented  = 90   // columns from which continuations are set off
)

var levelColors = map[string]string{
	"TRACE": "2", "DEBUG": "2", "INFO": "34", "NOTICE": "36", "WARNING": "33", "SUCCESS": "32", "ERROR": "31", "CRITICAL": "1;31",
}

// logLine is a log line as it is printed. Elsewhere than on a terminal it is one line
// without escape sequences, whatever a server put into its error message.
func (c *Config) logLine(line string) string {
	line = printable(line)
	if !c.Terminal || len(line) < messageAt {
		return line
	}
	if message := []rune(line[messageAt:]); len(message) > longestMessage {
		line = line[:messageAt] + string(message[:longestMessage-1]) + "…"
	}
	body := line[messageAt:]
	if columns := c.columns(); columns >= leastIndented {
		body = hang(body, columns-messageAt)
	}
	head := line[:messageAt]
	if color := levelColors[strings.TrimSpace(line[levelAt:messageAt])]; c.Color && color != "" {
		head = "\x1b[2m" + line[:levelAt] + "\x1b[0m\x1b[" + color + "m" + line[levelAt:messageAt] + "\x1b[0m"
	}
	return head + body
}

// hang breaks a message every so many characters and indents what follows below it.
func hang(message string, width int) string {
	var b strings.Builder
	for utf8.RuneCountInString(message) > width {
		cut := len(string([]rune(message)[:width]))
		b.WriteString(message[:cut] + "\n" + strings.Repeat(" ", messageAt))
		message = message[cut:]
	}
	b.WriteString(message)
	return b.String()
}

// printable replaces what would move the cursor or reorder text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(strings.TrimRight(s, "\n"), "�"))
}
