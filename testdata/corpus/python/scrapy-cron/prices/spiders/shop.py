import scrapy


class Shop(scrapy.Spider):
    name = "prices"
    start_urls = ["https://shop.example.org/"]
