package clock

import (
	"net"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

var _ = Describe("mapping the realtime clock", func() {
	const ms = MonoNS(time.Millisecond)
	var (
		mono   MonoNS
		offset WallNS
		gap    time.Duration
		r      *Realtime
	)
	wall := func(at MonoNS) WallNS { return offset + WallNS(at) }
	BeforeEach(func() {
		mono, offset, gap = 1000*ms, 1_735_689_600_000_000_000, 100*time.Nanosecond
		r = newRealtime(func() (MonoNS, WallNS, time.Duration) { return mono, wall(mono), gap })
	})

	It("is exact while nobody sets the clock", func() {
		for range 100 {
			mono += 7 * ms
			m, ok := r.Mono(wall(mono-3*ms), mono-5*ms, mono)
			Expect(ok).To(BeTrue())
			Expect(m).To(Equal(mono - 3*ms))
		}
		Expect(r.Steps()).To(BeZero())
	})

	DescribeTable("is not bent by a step", func(step time.Duration) {
		before := wall(mono - 1*ms) // taken before the step, mapped after it
		r.Steps()
		offset = offset.Add(step)
		mono += ms / 2
		after := wall(mono - ms/4)
		m, ok := r.Mono(after, mono-ms/2, mono)
		Expect(ok).To(BeTrue())
		Expect(m).To(Equal(mono-ms/4), "a fresh stamp, although the last sample is young")
		m, ok = r.Mono(before, mono-10*ms, mono)
		Expect(ok).To(BeTrue())
		Expect(m).To(Equal(mono-ms/2-1*ms), "one from before the step")
		Expect(r.Steps()).To(BeEquivalentTo(1))
		Expect(r.Steps()).To(BeEquivalentTo(1), "each step counts once")
	},
		Entry("forwards", 2*time.Second), Entry("backwards", -2*time.Second), Entry("by little more than is counted", 12*time.Millisecond),
	)

	It("notices a step without a stamp, and follows a small one without counting it", func() {
		offset = offset.Add(-5 * time.Millisecond)
		Expect(r.Steps()).To(BeEquivalentTo(1))
		offset = offset.Add(300 * time.Microsecond)
		Expect(r.Steps()).To(BeEquivalentTo(1))
		m, ok := r.Mono(wall(mono-10), mono-20, mono)
		Expect(ok).To(BeTrue())
		Expect(m).To(Equal(mono - 10))
	})

	It("does not take an interrupted reading for a step", func() {
		gap = 30 * time.Millisecond // preempted between the readings, each time
		offset = offset.Add(10 * time.Millisecond)
		Expect(r.Steps()).To(BeZero())
	})

	It("moves a stamp onto a bound that it just misses, and refuses one that is far off", func() {
		m, ok := r.Mono(wall(mono+5000), mono-ms, mono)
		Expect(ok).To(BeTrue())
		Expect(m).To(Equal(mono))
		m, ok = r.Mono(wall(mono-ms-5000), mono-ms, mono)
		Expect(ok).To(BeTrue())
		Expect(m).To(Equal(mono - ms))
		_, ok = r.Mono(wall(mono+ms), mono-ms, mono)
		Expect(ok).To(BeFalse())
		_, ok = r.Mono(wall(mono-2*ms), mono-ms, mono)
		Expect(ok).To(BeFalse())
	})

	It("agrees with the clock of the host", func() {
		own := NewRealtime()
		before := Now()
		stamp := WallNS(time.Now().UnixNano())
		after := Now()
		_, ok := own.Mono(stamp, before, after)
		Expect(ok).To(BeTrue())
	})
})

// pair is a connection over loopback, with its reading side stamped.
func pair(fail func(error)) (reader, writer *net.TCPConn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fail(err)
	defer l.Close()
	w, err := net.Dial("tcp", l.Addr().String())
	fail(err)
	r, err := l.Accept()
	fail(err)
	return r.(*net.TCPConn), w.(*net.TCPConn)
}

var _ = Describe("the kernel's receive stamps", func() {
	check := func(err error) { ExpectWithOffset(1, err).NotTo(HaveOccurred()) }

	It("lie between the write and the return of the read, in order", func() {
		keeper, err := KeepStamps()
		if err != nil {
			Skip("this kernel gives no receive stamps: " + err.Error())
		}
		DeferCleanup(keeper.Close)
		reader, writer := pair(check)
		DeferCleanup(reader.Close)
		DeferCleanup(writer.Close)
		check(StampConn(reader))
		raw, err := reader.SyscallConn()
		check(err)
		realtime := NewRealtime()
		var receiver Receiver
		buf := make([]byte, 100)
		read := func() (n int, wall WallNS) {
			var failed error
			check(raw.Read(func(fd uintptr) bool {
				n, wall, failed = receiver.Receive(int(fd), buf)
				return failed != unix.EAGAIN
			}))
			check(failed)
			return n, wall
		}
		// Stamps begin a little after they were asked for.
		Eventually(func() WallNS {
			_, err := writer.Write([]byte("x"))
			check(err)
			_, wall := read()
			return wall
		}).ShouldNot(BeZero())
		last := MonoNS(0)
		for range 200 {
			sent := Now()
			_, err := writer.Write([]byte("hello"))
			check(err)
			n, wall := read()
			returned := Now()
			Expect(n).To(Equal(5))
			Expect(wall).NotTo(BeZero())
			at, ok := realtime.Mono(wall, sent, returned)
			Expect(ok).To(BeTrue(), "stamp %d, sent %d, returned %d", realtime.offset.Load(), sent, returned)
			Expect(at).To(BeNumerically(">=", last))
			last = at
		}
		check(writer.CloseWrite())
		n, wall := read()
		Expect(n).To(BeZero(), "the end")
		Expect(wall).To(BeZero())
	})

	It("do without an answer when there is nothing to read", func() {
		reader, writer := pair(check)
		DeferCleanup(reader.Close)
		DeferCleanup(writer.Close)
		raw, err := reader.SyscallConn()
		check(err)
		var receiver Receiver
		check(raw.Control(func(fd uintptr) {
			_, _, err := receiver.Receive(int(fd), make([]byte, 1))
			Expect(err).To(Equal(unix.EAGAIN))
		}))
	})
})

// BenchmarkReceive is a byte over loopback: a write and a stamped read.
func BenchmarkReceive(b *testing.B) {
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	reader, writer := pair(check)
	defer reader.Close()
	defer writer.Close()
	_ = StampConn(reader)
	raw, err := reader.SyscallConn()
	check(err)
	var receiver Receiver
	buf, one := make([]byte, 100), []byte{1}
	var failed error
	step := func(fd uintptr) bool {
		_, _, failed = receiver.Receive(int(fd), buf)
		return failed != unix.EAGAIN
	}
	b.ReportAllocs()
	for b.Loop() {
		_, err := writer.Write(one)
		check(err)
		check(raw.Read(step))
		check(failed)
	}
}

func BenchmarkRealtime(b *testing.B) {
	r := NewRealtime()
	b.ReportAllocs()
	for b.Loop() {
		now := Now()
		if _, ok := r.Mono(WallNS(int64(now)+r.offset.Load()), now-1000, now); !ok {
			b.Fatal("not mapped")
		}
	}
}
