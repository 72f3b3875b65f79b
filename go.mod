module github.com/herald-go/herald

go 1.25.0

require go.yaml.in/yaml/v4 v4.0.0
