package sessiontest

// Put writes data to a znode without a session, as an operator would. It
// creates the znode and its parents if need be.
func (w *World) Put(path, data string) {
	w.Helper()
	if err := w.Server.Put(path, []byte(data)); err != nil {
		w.Fatalf("sessiontest: put %s: %v", path, err)
	}
}

// Data returns the data of a znode. The test fails if it does not exist.
func (w *World) Data(path string) string {
	w.Helper()
	node, found := w.Server.Node(path)
	if !found {
		w.Fatalf("sessiontest: %s does not exist", path)
	}
	return string(node.Data)
}

// Children returns the names of the children of a znode, sorted. A znode that
// does not exist has none.
func (w *World) Children(path string) []string {
	node, _ := w.Server.Node(path)
	return node.Children
}
