module github.com/herald-go/herald/contrib/watermill

go 1.25.0

replace github.com/herald-go/herald => ../..

require (
	github.com/ThreeDotsLabs/watermill v1.5.3
	github.com/herald-go/herald v0.0.0-00010101000000-000000000000
)

require (
	github.com/google/uuid v1.6.0 // indirect
	github.com/lithammer/shortuuid/v3 v3.0.7 // indirect
	github.com/oklog/ulid v1.3.1 // indirect
	github.com/pkg/errors v0.9.1 // indirect
)
