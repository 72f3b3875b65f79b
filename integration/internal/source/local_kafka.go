package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// defaultKafka is the release that local processes run, unless HERALD_TEST_KAFKA_VERSION names another one.
const defaultKafka = "4.1.0"

func kafkaVersion() string {
	if version := os.Getenv(variable(Kafka, "VERSION")); version != "" {
		return version
	}
	return defaultKafka
}

// kafka makes the machine one node of Kafka, broker and controller at once.
func (m *localMachine) kafka(ctx context.Context, o *Order, p place, announce io.Writer) error {
	java, err := find(ctx, announce, "java", "default-jre-headless")
	if err != nil {
		return err
	}
	jars, err := kafkaJars(ctx, announce)
	if err != nil {
		return err
	}
	controller, err := given.free(ctx)
	if err != nil {
		return err
	}
	settings := o.kafkaProperties(
		p,
		Setting{"listeners", "CONTROLLER://" + loopback(controller) + ",PLAINTEXT://" + loopback(p.port)},
		Setting{"advertised.listeners", "PLAINTEXT://" + loopback(p.port)},
		Setting{"listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"},
		Setting{"controller.quorum.voters", "1@" + loopback(controller)},
	)
	properties, err := m.write("server.properties", lines(settings, "="))
	if err != nil {
		return err
	}
	class := func(name string, flags []string, args ...string) program {
		return program{args: append(append(append([]string{java}, flags...), "-cp", jars+"/*", name), args...)}
	}
	quick := []string{"-XX:TieredStopAtLevel=1"}
	heap := append(strings.Fields(kafkaHeap), "-XX:+UseG1GC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
	m.before = []program{class("kafka.tools.StorageTool", quick, "format", "-t", clusterID, "-c", properties)}
	m.servers = []program{class("kafka.Kafka", heap, properties)}
	m.tool = func(args []string) program { return program{args: kafkaTool(args, java, jars)} }
	return nil
}

// kafkaPOM names Kafka's jars for Maven.
const kafkaPOM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>kafka-broker</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>%[1]s</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>%[1]s</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
`

// kafkaJars returns the folder of Kafka's jars in the user's cache, fetched by Maven if it is not there yet.
func kafkaJars(ctx context.Context, announce io.Writer) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	version := kafkaVersion()
	dir := filepath.Join(cache, "herald", "kafka-"+version)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if !mayInstall() {
		return "", fmt.Errorf("%w: Kafka %s is not in %s, and %s=0 declines fetching it", ErrAbsent, version, dir, installVariable)
	}
	maven, err := find(ctx, announce, "mvn", "maven")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "fetch-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(fresh) }() // what is complete has moved away
	pom := filepath.Join(fresh, "pom.xml")
	if err := os.WriteFile(pom, fmt.Appendf(nil, kafkaPOM, version), 0o600); err != nil {
		return "", err
	}
	tell(announce, "fetching Kafka %s into %s", version, dir)
	cmd := exec.CommandContext(ctx, maven, "-q", "-B", "-f", pom, "dependency:copy-dependencies", "-DincludeScope=runtime",
		"-DoutputDirectory="+filepath.Join(fresh, "jars"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: Maven can't fetch Kafka %s: %w\n%s", ErrAbsent, version, err, out)
	}
	err = os.Rename(filepath.Join(fresh, "jars"), dir)
	if errors.Is(err, os.ErrExist) {
		return dir, nil // another process was faster
	}
	return dir, err
}
