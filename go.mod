module github.com/herald-go/herald

go 1.25.0
