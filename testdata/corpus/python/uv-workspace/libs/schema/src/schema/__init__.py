from pydantic import BaseModel


class Reading(BaseModel):
    sensor: str
    value: float
