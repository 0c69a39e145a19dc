// Package docentkoanf has providers for koanf (github.com/knadh/koanf/v2) that
// read configuration from ZooKeeper and watch it: the bytes of one key, for a
// parser, or a directory of keys.
//
//	p, err := docentkoanf.OpenKey(ctx, sm, "/config/orders.json", docentkoanf.Parses(json.Parser()))
//	if err != nil {
//		return err
//	}
//	defer p.Close()
//	load := func() error {
//		k := koanf.New(".") // a new one: Load never removes keys
//		if err := k.Load(p, json.Parser()); err != nil {
//			return err
//		}
//		current.Store(k)
//		return nil
//	}
//	if err := load(); err != nil {
//		return err
//	}
//	err = p.Watch(func(_ any, err error) {
//		if err == nil {
//			err = load()
//		}
//		if err != nil {
//			log.Print(err) // the configuration stays as it is
//		}
//	})
//
// # What is promised
//
//   - ReadBytes and Read send no request, and never wait. While ZooKeeper does
//     not answer, they return the last value, and Stale returns true.
//   - Watch reports each change after the last read, also a change between the
//     read and the call of Watch. It may skip values of a fast series, but never
//     the last value. It goes on after errors and ended sessions.
//   - A value that the parser rejects never replaces a good value, if Parses is
//     given. Watch and Err report it.
//   - The keys of a Tree are of one instant: a config.Store.Publish of several
//     keys is read as a whole.
//   - A value never goes back to an older one, even if a server lags behind.
//   - If the key is deleted, the last value stays. The Event says so.
//
// # What is not promised
//
//   - koanf.Koanf.Load merges: a key that was deleted in ZooKeeper stays in the
//     Koanf. So load into a new Koanf, and replace the old one, as above. A Koanf
//     must not be loaded while other goroutines read it, either.
//   - The first value has to be read once: OpenKey fails if there is neither a
//     value nor a config.Default, and waits for it with config.Wait.
package docentkoanf
