. /lib.sh
