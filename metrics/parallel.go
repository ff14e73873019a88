package metrics

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// maxHelpers bounds the goroutines of a summary: each has buffers of its own.
const maxHelpers = 8

// parallel calls do for 0 … n − 1, from as many goroutines as there are cores, and
// waits for all. start makes what each goroutine keeps to itself. A panic of do is
// passed on.
func parallel[T any](n int, start func() T, do func(own T, i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	var failed atomic.Pointer[any]
	for range min(n, maxHelpers, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					failed.Store(&p)
				}
			}()
			own := start()
			for i := next.Add(1) - 1; i < int64(n) && failed.Load() == nil; i = next.Add(1) - 1 {
				do(own, int(i))
			}
		})
	}
	wg.Wait()
	if p := failed.Load(); p != nil {
		panic(*p)
	}
}
