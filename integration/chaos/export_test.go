package chaos

import "slices"

// Foreign is foreign.
var Foreign = foreign

// Unfinished returns what is unfinished in a folder's history, by id.
func Unfinished(dir string) ([]string, error) {
	w := newWatch(dir, group)
	err := w.poll()
	var ids []string
	for _, o := range w.unfinished() {
		ids = append(ids, o.ID)
	}
	slices.Sort(ids)
	return ids, err
}
