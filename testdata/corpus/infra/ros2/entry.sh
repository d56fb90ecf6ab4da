#!/bin/bash
source /opt/robot/setup.bash
exec "$@"
