package exporters

import (
	"net/http"

	"aiperf/clock"
	"aiperf/messages"
)

// trace writes what the transport saw of a request, on the wall clock. An event that did not happen has no member, nor has a duration that
// would need it.
func (j *jsonText) trace(t *messages.RecordTrace, m *messages.RecordMetadata) {
	at := func(name string, stamp clock.MonoNS) {
		if stamp != 0 {
			j.integer(name, int64(m.RequestStartNS.Add(stamp.Sub(t.StartPerfNS))))
		}
	}
	between := func(name string, from, to clock.MonoNS) {
		if from != 0 && to >= from {
			j.integer(name, int64(to.Sub(from)))
		}
	}
	j.text("trace_type", t.Type)
	at("request_send_start_ns", t.SendStartNS)
	at("request_send_end_ns", t.SendEndNS)
	j.optInteger("request_chunks_count", t.ChunksSent)
	j.optInteger("request_bytes_total", t.BytesSent)
	j.optInteger("response_status_code", int64(t.Status))
	j.optText("response_reason", http.StatusText(t.Status))
	j.optInteger("response_headers_received_ns", int64(m.RequestAckNS))
	at("response_receive_start_ns", t.ReceiveStartNS)
	j.optInteger("response_chunks_count", t.ChunksReceived)
	j.optInteger("response_bytes_total", t.BytesReceived)
	at("response_receive_end_ns", t.ReceiveEndNS)
	at("connection_pool_wait_start_ns", t.PoolWaitStartNS)
	at("connection_pool_wait_end_ns", t.PoolWaitEndNS)
	at("dns_lookup_start_ns", t.DNSStartNS)
	at("dns_lookup_end_ns", t.DNSEndNS)
	at("tcp_connect_start_ns", t.ConnectStartNS)
	at("tcp_connect_end_ns", t.ConnectEndNS)
	at("tls_handshake_start_ns", t.TLSStartNS)
	at("tls_handshake_end_ns", t.TLSEndNS)
	if t.Reused {
		at("connection_reused_ns", t.SendStartNS)
	}
	between("sending_ns", t.SendStartNS, t.SendEndNS)
	between("waiting_ns", t.SendEndNS, t.ReceiveStartNS)
	between("receiving_ns", t.ReceiveStartNS, t.ReceiveEndNS)
	between("duration_ns", t.SendStartNS, t.ReceiveEndNS)
	between("blocked_ns", t.PoolWaitStartNS, t.PoolWaitEndNS)
	between("dns_lookup_ns", t.DNSStartNS, t.DNSEndNS)
	between("connecting_ns", t.ConnectStartNS, t.ConnectEndNS)
}
