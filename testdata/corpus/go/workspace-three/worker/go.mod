module example.com/ws/worker

go 1.23

require (
	github.com/hibiken/asynq v0.25.0
)
