#!/bin/bash
pg_dump app
