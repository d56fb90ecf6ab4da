<?php
echo "admin";
