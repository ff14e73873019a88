package messages

// LogRecord is one log line on its way from a process to the launcher, over the
// log pipe.
type LogRecord struct {
	Name        string  `msgpack:"name"`
	LevelName   string  `msgpack:"levelname"`
	LevelNo     int     `msgpack:"levelno"`
	Msg         string  `msgpack:"msg"`
	Created     float64 `msgpack:"created"` // epoch seconds
	Filename    string  `msgpack:"filename"`
	LineNo      int     `msgpack:"lineno"`
	ProcessName string  `msgpack:"process_name"`
	ProcessID   int     `msgpack:"process_id"`
}

func (*LogRecord) MessageType() string { return "log_record" }

// ExitError reports, over the log pipe, an error that ended a service's work, so
// that the launcher hears of it when the mesh is down.
type ExitError struct {
	ErrorDetails ErrorDetails `msgpack:"error_details"`
	Operation    string       `msgpack:"operation"`
	FromService  string       `msgpack:"from_service,omitempty"`
}

func (*ExitError) MessageType() string { return "exit_error" }
