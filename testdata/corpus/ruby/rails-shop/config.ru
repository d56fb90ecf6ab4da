# config.ru
