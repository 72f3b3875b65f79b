package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Load reads the files in their order, each over the ones before it, and then the process's environment. Without files the environment is
// all. It reads files and nothing else: no broker is asked. Its error joins an [Error] for each thing that is wrong.
func Load(files ...string) (*Config, error) { return Loader{}.Load(files...) }

// LoadFS is Load with the files of fsys, for example embedded ones. Files that the configuration names (password_file and the like) are
// the operating system's all the same.
func LoadFS(fsys fs.FS, files ...string) (*Config, error) { return Loader{FS: fsys}.Load(files...) }

// Parse is Load for one text in the place of the files; name is what errors call it. The text is at most 1 MiB.
func Parse(name string, data []byte) (*Config, error) { return Loader{}.Parse(name, data) }

// Loader says what Load does not take from its arguments. The zero value is what Load uses. It may be used by several goroutines.
type Loader struct {
	// Code is the program's own configuration, in the form of a file; files and environment win over it. Defaults to none.
	Code string
	// FS holds the files. Defaults to the operating system's.
	FS fs.FS
	// Environ is the environment, each entry as "name=value"; an empty, non-nil slice is an environment without variables. Defaults to
	// os.Environ().
	Environ []string
}

// Load is the function Load with the loader's settings.
func (l Loader) Load(files ...string) (*Config, error) {
	b := l.begin()
	for _, name := range files {
		data, err := l.readFile(name)
		if err != nil {
			b.sources = append(b.sources, name)
			b.problems.add(origin{file: name}, "", "%w", err)
			b.isIncomplete = true
			continue
		}
		b.add(name, data)
	}
	return b.finish()
}

// Parse is the function Parse with the loader's settings.
func (l Loader) Parse(name string, data []byte) (*Config, error) {
	b := l.begin()
	b.add(name, data)
	return b.finish()
}

func (l Loader) begin() *builder {
	list := l.Environ
	if list == nil {
		list = os.Environ()
	}
	b := &builder{root: newSection(file), env: environ(list)}
	if l.Code != "" {
		b.layer(&reader{source: "code", isProgram: true}, []byte(l.Code))
	}
	return b
}

// readFile returns a file's text. Its errors do not repeat the name.
func (l Loader) readFile(name string) ([]byte, error) {
	if l.FS == nil {
		return readBounded(name, maxBytes)
	}
	f, err := l.FS.Open(name)
	if err != nil {
		return nil, withoutPath(err)
	}
	return readAll(f, maxBytes)
}

// readBounded reads a file of the operating system.
func readBounded(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, withoutPath(err)
	}
	return readAll(f, most)
}

func readAll(f io.ReadCloser, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, withoutPath(err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("larger than %d bytes", most)
	}
	return data, nil
}

// withoutPath drops the path, which the error's place tells, and which could be a secret that was written into the wrong key.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// builder puts the layers on top of each other.
type builder struct {
	root         *node
	env          map[string]string
	problems     problems
	warnings     []string
	sources      []string
	isIncomplete bool // a source could not be read: what is missing may stand in it
}

func (b *builder) add(name string, data []byte) { b.layer(&reader{source: name}, data) }

func (b *builder) layer(r *reader, data []byte) {
	r.lookup = func(name string) (string, bool) {
		value, ok := b.env[name]
		return value, ok
	}
	b.sources = append(b.sources, r.source)
	b.root.merge(r.read(data))
	b.problems = append(b.problems, r.problems...)
	b.warnings = append(b.warnings, r.warnings...)
	b.isIncomplete = b.isIncomplete || r.isBroken
}

// finish lays the environment on top, checks what takes more than one key, and reads the secrets.
func (b *builder) finish() (*Config, error) {
	override(b.root, b.env, &b.problems)
	b.problems = append(b.problems, b.root.unsets()...)
	where, ok := b.checkBroker()
	s := &state{root: b.root}
	if ok {
		s.connection = b.connect(where)
		s.url = where.with(b.root.at(where.section()), s.connection)
	}
	s.schemas = b.schemas()
	if err := b.problems.join(b.sources); err != nil {
		return nil, err
	}
	s.warnings = b.warnings
	return &Config{state: func() *state { return s }}, nil
}

// checkBroker splits the broker's URL.
func (b *builder) checkBroker() (address, bool) {
	const write = "write memory:// for development, or a URL such as amqp://host:5672, kafka://host:9092 or redis://host:6379, " +
		"into the file or into HERALD_BROKER"
	n := b.root.at("broker")
	switch {
	case n == nil:
		if !b.isIncomplete {
			b.problems.add(origin{}, "broker", "the URL is missing; %s", write)
		}
		return address{}, false
	case n.isBad:
		return address{}, false
	case n.items[0] == "":
		b.problems.add(n.from, "broker", "the URL is empty; %s", write)
		return address{}, false
	}
	a, ok := split(n.items[0])
	if !ok {
		b.problems.add(n.from, "broker", "expected a URL that begins with a scheme and ://; %s", write)
	}
	return a, ok
}
