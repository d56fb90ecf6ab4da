<?php
/* Plugin Name: Stock */
