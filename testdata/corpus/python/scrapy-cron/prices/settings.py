BOT_NAME = "prices"
ROBOTSTXT_OBEY = True
