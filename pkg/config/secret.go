package config

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// maxSecret is more than any password, so that a wrong path does not fill memory.
const maxSecret = 64 << 10

// Secret is a text that nothing prints. The zero value is no secret. It is safe for concurrent use.
type Secret struct{ text *string }

// Reveal returns the secret itself, or "".
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsSet reports whether there is a secret.
func (s Secret) IsSet() bool { return s.text != nil }

// String returns "****", or "" when there is no secret.
func (s Secret) String() string {
	if s.text == nil {
		return ""
	}
	return mask
}

// GoString returns what String returns, in quotes.
func (s Secret) GoString() string { return fmt.Sprintf("config.Secret(%q)", s.String()) }

// MarshalText returns what String returns, for JSON and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Connection is how a broker is reached over the network, as its section of the file says.
type Connection struct {
	// Username is the user; empty when the section names none.
	Username string
	// Password is the password, from password or password_file.
	Password Secret
	// SentinelUser and SentinelPassword are the login at the sentinels (Redis only), from sentinel_user and from sentinel_password or
	// sentinel_password_file.
	SentinelUser     string
	SentinelPassword Secret
	// TLS is the encryption.
	TLS TLS
	// Replication is how many brokers hold each topic that is created (Kafka only); 0 leaves it to the broker.
	Replication int
}

// TLS is how a connection is encrypted. The files are PEM; they exist when the configuration was loaded.
type TLS struct {
	// CAFile holds the certificates to trust. Defaults to the system's.
	CAFile string
	// CertFile and KeyFile are the client's certificate and its key; both or none are set.
	CertFile, KeyFile string
	// Insecure does not check the broker's certificate.
	Insecure bool
}

// connect reads the section of the broker in use: its secrets, and whether its files are there.
func (b *builder) connect(a address) Connection {
	id := a.section()
	section := b.root.at(id)
	if section == nil {
		return Connection{}
	}
	for name := range parameters(section) {
		if a.has(name) {
			b.conflict(id, strings.TrimPrefix(name, "tls_"), strings.HasPrefix(name, "tls_"))
		}
	}
	if id == "memory" {
		return Connection{}
	}
	c := Connection{Password: b.password(id, section, "password", a.hasPassword)}
	c.SentinelPassword = b.password(id, section, sentinelPassword, a.has(sentinelPassword))
	c.SentinelUser, _ = section.value("sentinel_user")
	c.Username, _ = section.value("username")
	if c.Username != "" && a.user != "" {
		b.conflict(id, "username", false)
	}
	c.TLS.CAFile, _ = section.value("tls", "ca_file")
	c.TLS.CertFile, _ = section.value("tls", "cert_file")
	c.TLS.KeyFile, _ = section.value("tls", "key_file")
	insecure, _ := section.value("tls", "insecure")
	c.TLS.Insecure = isTrue(insecure)
	replication, _ := section.number("replication")
	c.Replication = int(replication)
	b.checkTLS(id+".tls", section.at("tls"), c.TLS)
	return c
}

// conflict tells that the URL says what the section says too.
func (b *builder) conflict(id, name string, isTLS bool) {
	path := []string{id, name}
	if isTLS {
		path = []string{id, "tls", name}
	}
	b.problems.add(b.root.at(path...).from, strings.Join(path, "."), "broker's URL (%v) has it too; keep one", b.root.at("broker").from)
}

// password returns one of the section's passwords, unless the URL has it.
func (b *builder) password(id string, section *node, key string, inURL bool) Secret {
	for _, name := range []string{key + "_file", key} {
		if n := section.at(name); inURL && n != nil && !n.isBad {
			b.conflict(id, name, false)
			return Secret{}
		}
	}
	return b.secret(id, section, key)
}

// secret returns what a key of the section, or the file that it names under the key and _file, holds.
func (b *builder) secret(id string, section *node, key string) Secret {
	plain, inFile := section.at(key), section.at(key+"_file")
	if plain != nil && inFile != nil {
		b.problems.add(inFile.from, id+"."+key+"_file", "%s is given too (%v); keep one", key, plain.from)
		return Secret{}
	}
	given := plain
	if inFile != nil {
		given = inFile
	}
	if given == nil || given.isBad {
		return Secret{}
	}
	if plain != nil {
		return Secret{&plain.items[0]}
	}
	data, err := readBounded(inFile.items[0], maxSecret)
	secret := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if err == nil && secret == "" {
		err = errors.New("the file is empty")
	}
	if err != nil {
		b.problems.add(inFile.from, id+"."+key+"_file", "%w", err)
		return Secret{}
	}
	b.checkMode(inFile, id+"."+key+"_file")
	from := origin{secret: inFile.items[0]}
	section.children[key] = &node{key: section.key.child(key), from: from, items: []string{mask}}
	return Secret{&secret}
}

// checkMode warns of a secret that every user of the machine can read.
func (b *builder) checkMode(n *node, key string) {
	info, err := os.Stat(n.items[0])
	if err != nil {
		b.problems.add(n.from, key, "%w", withoutPath(err))
		return
	}
	if mode := info.Mode().Perm(); mode&0o004 != 0 && runtime.GOOS != "windows" { // which has no such modes
		b.warnings = append(b.warnings, fmt.Sprintf("%v: %s: every user of this machine can read the file (mode %04o)", n.from, key, mode))
	}
}

// checkTLS checks that the files are there and that a certificate has its key.
func (b *builder) checkTLS(path string, n *node, t TLS) {
	for _, name := range []string{"ca_file", "cert_file"} {
		file, ok := n.value(name)
		if !ok {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			b.problems.add(n.at(name).from, path+"."+name, "%w", withoutPath(err))
		}
	}
	if t.KeyFile != "" {
		b.checkMode(n.at("key_file"), path+".key_file")
	}
	if t.CertFile != "" && n.at("key_file") == nil {
		b.problems.add(n.at("cert_file").from, path+".cert_file", "key_file is missing; they belong together")
	}
	if t.KeyFile != "" && n.at("cert_file") == nil {
		b.problems.add(n.at("key_file").from, path+".key_file", "cert_file is missing; they belong together")
	}
	if t.Insecure {
		b.warnings = append(b.warnings, fmt.Sprintf("%v: %s.insecure: the broker's certificate is not checked", n.at("insecure").from, path))
	}
}
