package bootstrap

import (
	"context"
	"log/slog"
	"runtime"
	"time"
)

// Levels beside those of slog. Numbers on the wire are Python's.
const (
	LevelTrace    = slog.Level(-8)
	LevelNotice   = slog.Level(2)
	LevelSuccess  = slog.Level(6)
	LevelCritical = slog.Level(12)
)

// Logger writes log records to the launcher. Arguments are keys and values; a value
// that costs something to build is a slog.LogValuer, asked only when the level is on.
type Logger struct{ *slog.Logger }

// NewLogger wraps a handler.
func NewLogger(h slog.Handler) *Logger { return &Logger{slog.New(h)} }

// Trace logs below debug.
func (l *Logger) Trace(msg string, args ...any) { l.at(LevelTrace, msg, args) }

// Notice logs what a user should see of a normal run.
func (l *Logger) Notice(msg string, args ...any) { l.at(LevelNotice, msg, args) }

// at keeps the caller's position, which the library would take for this file.
func (l *Logger) at(level slog.Level, msg string, args []any) {
	ctx := context.Background()
	if !l.Enabled(ctx, level) {
		return
	}
	var pcs [1]uintptr
	runtime.Callers(3, pcs[:]) // skip Callers, at, and Trace or Notice
	r := slog.NewRecord(time.Now(), level, msg, pcs[0])
	r.Add(args...)
	_ = l.Handler().Handle(ctx, r)
}
