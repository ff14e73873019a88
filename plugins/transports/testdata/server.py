"""A server of another make: what Python's standard library says is HTTP/1.1.

Prints its port, then serves until its input ends. The path decides about the answer:

    /json      a body of known length
    /chunks    a body in chunks, one of them in two writes
    /stream    server-sent events, an interval apart
    /busy      503 with a reason
    /moved     302
    /echo      the request's headers and body as JSON
    /close     a body that ends with the connection
"""
import http.server
import json
import sys
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def whole(self, status, body, **headers):
        self.head(status, Content_Length=str(len(body)), **headers)
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/json":
            self.whole(200, b'{"ok": true}', Content_Type="application/json")
        elif self.path == "/chunks":
            self.head(200, Content_Type="application/json", Transfer_Encoding="chunked")
            self.chunk(b'{"a": ')
            self.wfile.write(b"5\r\n12")
            self.wfile.flush()
            time.sleep(0.002)
            self.wfile.write(b"34}\r\n0\r\n\r\n")
        elif self.path == "/stream":
            self.head(200, Content_Type="text/event-stream; charset=utf-8", Transfer_Encoding="chunked")
            for i in range(20):
                self.chunk(b'data: {"i": %d}\n\n' % i)
                time.sleep(0.001)
            self.chunk(b"data: [DONE]\n\n")
            self.wfile.write(b"0\r\n\r\n")
        elif self.path == "/busy":
            self.whole(503, b"come back later")
        elif self.path == "/moved":
            self.whole(302, b"", Location="/json")
        elif self.path == "/echo":
            answer = {"headers": self.headers.items(), "length": len(body)}
            self.whole(200, json.dumps(answer).encode(), Content_Type="application/json")
        elif self.path == "/close":
            self.head(200, Content_Type="text/event-stream", Connection="close")
            self.wfile.write(b"data: a\n\ndata: b\n\n")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
