import os
import requests

print(os.environ["AGENT_TOKEN"] != "")
