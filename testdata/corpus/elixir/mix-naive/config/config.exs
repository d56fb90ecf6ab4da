import Config

config :ticker, env: config_env()
