local jwt = require "resty.jwt"
