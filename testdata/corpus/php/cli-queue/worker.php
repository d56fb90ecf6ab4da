<?php

echo "up";
