package driver_test

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
	heraldwatermill "github.com/herald-go/herald/contrib/watermill"
	"github.com/herald-go/herald/pkg/driver"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// postgres starts PostgreSQL in Docker and returns a connection. Where there is no Docker the test is skipped with the reason.
func postgres(t *testing.T) *stdsql.DB {
	t.Helper()
	t.Attr("broker", "postgres")
	t.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true") // the container ends with the test
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	container, err := testcontainers.Run(
		ctx, "postgres:17", testcontainers.WithExposedPorts("5432/tcp"),
		testcontainers.WithEnv(map[string]string{"POSTGRES_USER": "herald", "POSTGRES_PASSWORD": "herald", "POSTGRES_DB": "herald"}),
		testcontainers.WithWaitStrategyAndDeadline(2*time.Minute, wait.ForListeningPort("5432/tcp")),
	)
	if container != nil {
		t.Cleanup(func() { _ = container.Terminate(context.Background()) })
	}
	if err != nil {
		t.Attr("why", "docker: "+strings.ReplaceAll(err.Error(), "\n", "; "))
		t.Skipf("no postgres: %v", err)
	}
	address, err := container.PortEndpoint(ctx, "5432/tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	db, err := stdsql.Open("pgx", fmt.Sprintf("postgres://herald:herald@%s/herald?sslmode=disable", address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	version := ""
	for version == "" { // it listens once before its database is made
		if err := db.QueryRowContext(ctx, "show server_version").Scan(&version); err != nil && ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	t.Attr("version", version)
	t.Attr("origin", "docker")
	return db
}

// tables configures a driver over tables of PostgreSQL: a group is a row of offsets.
func tables(t *testing.T, db *stdsql.DB) heraldwatermill.DriverConfig {
	t.Helper()
	schema := sql.DefaultPostgreSQLSchema{GeneratePayloadType: func(string) string { return "BYTEA" }}
	publisher, err := sql.NewPublisher(
		sql.BeginnerFromStdSQL(db), sql.PublisherConfig{SchemaAdapter: schema, AutoInitializeSchema: true}, watermill.NopLogger{},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = publisher.Close() })
	return heraldwatermill.DriverConfig{
		Name: "postgres", Publisher: publisher, Groups: true, Durability: driver.DurableDisk,
		Topic: func(topic string) string { return strings.ReplaceAll(topic, ".", "$") },
		Subscriber: func(group string) (message.Subscriber, error) {
			return sql.NewSubscriber(sql.BeginnerFromStdSQL(db), sql.SubscriberConfig{
				ConsumerGroup: group, SchemaAdapter: schema, OffsetsAdapter: sql.DefaultPostgreSQLOffsetsAdapter{}, InitializeSchema: true,
				PollInterval: 50 * time.Millisecond, ResendInterval: 10 * time.Millisecond, RetryInterval: 50 * time.Millisecond,
			}, watermill.NopLogger{})
		},
	}
}

func TestPostgreSQL_FailedEventsWaitAndDie(t *testing.T) { deaths(t, tables(t, postgres(t))) }
