<?php
echo "pair";
