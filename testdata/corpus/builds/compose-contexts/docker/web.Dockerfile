FROM node:24-alpine AS build
ARG API
WORKDIR /web
COPY . .
RUN npm ci && npm run build
FROM nginx:1.29-alpine
COPY --from=build /web/dist /usr/share/nginx/html
