<?php
require 'vendor/autoload.php';
echo 'Intranet';
