from setuptools import setup

setup(name="meteo", version="1.4", packages=["meteo"], install_requires=["requests>=2.31", "click"])
