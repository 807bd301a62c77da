# Stands in for the official image `nats:2.15.1-alpine` where no registry can be reached: the same
# server, the same entry point, and the `wget` that health checks call. Made by deploy/local-images.
FROM scratch
COPY busybox /bin/busybox
COPY nats-server /usr/local/bin/nats-server
COPY docker-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
RUN ["/bin/busybox", "--install", "-s", "/bin"]
# Tells this image from the official one, which is never overwritten.
LABEL sh.keptn.local-image="true"
EXPOSE 4222 8222 6222
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["nats-server", "--http_port", "8222"]
