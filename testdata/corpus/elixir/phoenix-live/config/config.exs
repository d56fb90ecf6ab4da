import Config

config :live, env: config_env()
