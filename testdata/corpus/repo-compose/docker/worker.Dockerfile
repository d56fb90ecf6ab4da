FROM python:3.13
COPY --from=shared . /shared
WORKDIR /worker
COPY worker/requirements.txt .
RUN pip install -r requirements.txt
COPY worker .
CMD ["celery", "-A", "tasks", "worker", "--loglevel=info"]
