FROM eclipse-temurin:25-jre
ADD app.jar /app.jar
USER 1000
ENTRYPOINT ["java", "-jar", "/app.jar"]
