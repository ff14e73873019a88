package transports

// arena hands out byte slices from blocks. Slices stay valid until reset, however
// much is added later.
type arena struct {
	block []byte // the one in use; len is what is taken
}

const (
	firstBlock = 4 << 10
	mostBlock  = 256 << 10 // blocks double up to this
	keepBlock  = 64 << 10  // a larger one is given back to the collector at reset
)

// copy keeps a copy of b.
func (a *arena) copy(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if cap(a.block)-len(a.block) < len(b) {
		size := max(min(2*cap(a.block), mostBlock), firstBlock, len(b))
		a.block = make([]byte, 0, size) // earlier slices keep the old block alive
	}
	at := len(a.block)
	a.block = append(a.block, b...)
	return a.block[at:len(a.block):len(a.block)]
}

func (a *arena) reset() {
	if cap(a.block) > keepBlock {
		a.block = nil
	}
	a.block = a.block[:0]
}
