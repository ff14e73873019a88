package transports

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"aiperf/messages"
)

// stage is how far an exchange had come when it failed.
type stage int

const (
	queued stage = iota
	connecting
	sending
	waiting
	abandoned // the server closed the connection before its answer
	receiving
)

var stageText = [...]string{
	queued: "waiting for a free connection", connecting: "connecting", sending: "sending the request",
	waiting: "waiting for the response", abandoned: "waiting for the response", receiving: "receiving the response",
}

// Names of failures. Users group by them; they are those of AIPerf (Python)'s client.
const (
	cancelledType    = "RequestCancellationError"
	timeoutType      = "TimeoutError"
	dnsType          = "ClientConnectorDNSError"
	connectType      = "ClientConnectorError"
	certificateType  = "ClientConnectorCertificateError"
	tlsType          = "ClientConnectorSSLError"
	resetType        = "ClientOSError"
	disconnectedType = "ServerDisconnectedError"
	payloadType      = "ClientPayloadError"
	responseType     = "ClientResponseError" // the answer was no HTTP
	otherType        = "ClientError"
)

const cancelledCode = 499

// sendTimeoutType is that of a request that was to be cut some time after it was sent,
// and never was.
const sendTimeoutType = "RequestSendTimeout"

// CancelledError is the error of a request that the run itself ended.
func CancelledError() *messages.ErrorDetails {
	return messages.NewError(cancelledType, "Request cancelled by external signal").WithCode(cancelledCode)
}

// Disconnect is the cause to end a context with when the client hangs up on purpose, so
// long after the request was sent.
func Disconnect(after time.Duration) *messages.ErrorDetails {
	return messages.NewError(cancelledType, fmt.Sprintf("Request cancelled %.3fs after being sent", after.Seconds())).WithCode(cancelledCode)
}

// sendTimeout renames the timeout of a request that was to be cut after it was sent, and
// of which not all was sent in time.
func sendTimeout(failure *messages.ErrorDetails, at stage) *messages.ErrorDetails {
	if failure.Type != timeoutType || at > sending {
		return failure
	}
	return messages.NewError(sendTimeoutType, "Timed out waiting for request to be sent").WithCode(0)
}

// explain finds the name for a failure. Texts hold no ports and no ids of this side,
// so that equal failures are equal.
func explain(ctx context.Context, err error, at stage, limit time.Duration) *messages.ErrorDetails {
	var known *messages.ErrorDetails
	if errors.As(err, &known) {
		return known
	}
	switch {
	case ctx.Err() != nil && errors.As(context.Cause(ctx), &known):
		return known
	case ctx.Err() != nil && context.Cause(ctx) != context.DeadlineExceeded:
		return CancelledError()
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return messages.NewError(timeoutType, fmt.Sprintf("the request took longer than its limit of %s, and was %s", limit, stageText[at]))
	}
	if typ := connectFailure(err); typ != "" {
		return messages.NewError(typ, plainCause(err))
	}
	var (
		errno   syscall.Errno
		badHTTP malformed
	)
	text := err.Error()
	switch {
	case errors.Is(err, errEventTooLarge), errors.Is(err, errAnswerTooLarge):
		return messages.NewError(payloadType, text)
	case errors.As(err, &errno):
		return messages.NewError(resetType, fmt.Sprintf("%s while %s", errno.Error(), stageText[at]))
	case at == receiving:
		return messages.NewError(payloadType, "the response was cut short: "+plainCause(err))
	case at == abandoned, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(text, "server closed idle connection"):
		return messages.NewError(disconnectedType, "Server disconnected")
	case at == waiting, errors.As(err, &badHTTP), strings.Contains(text, "malformed HTTP"):
		return messages.NewError(responseType, plainCause(err))
	}
	return messages.NewError(otherType, plainCause(err))
}

// connectFailure names the failures before a connection exists; empty for others.
func connectFailure(err error) string {
	var (
		dns       *net.DNSError
		rejected  *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		handshake *handshakeError
		op        *net.OpError
	)
	switch {
	case errors.As(err, &dns):
		return dnsType
	case errors.As(err, &rejected), errors.As(err, &authority), errors.As(err, &name), errors.As(err, &invalid):
		return certificateType
	case errors.As(err, &handshake):
		return tlsType
	case errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect"):
		return connectType
	}
	return ""
}

// plainCause is an error's text without the client library's preambles.
func plainCause(err error) string {
	text := err.Error()
	for _, preamble := range []string{"net/http: HTTP/1.x transport connection broken: ", "net/http: Transport failed to read from server: ", "net/http: ", "http: "} {
		text = strings.TrimPrefix(text, preamble)
	}
	return text
}
