package testworld

import "runtime"

// Held returns how many bytes of heap release frees. After release, nothing must
// refer to what was held.
func Held(release func()) int {
	with := heap()
	release()
	return with - heap()
}

func heap() int {
	runtime.GC()
	runtime.GC() // for what finalizers and pools have kept
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
