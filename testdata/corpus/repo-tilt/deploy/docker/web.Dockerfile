FROM node:24 as build
ARG MODE=production
WORKDIR /web
COPY web/ .
RUN yarn && yarn build --mode $MODE
FROM nginx:1.28
COPY --from=build /web/dist /usr/share/nginx/html
