import Config

config :hooks, port: System.fetch_env!("PORT")
