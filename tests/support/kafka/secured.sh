# shellcheck shell=bash disable=SC2016,SC2034
# Additions to a secured broker, sourced by scripts/kafka.sh. Listeners, each on 127.0.0.1 with
# its address in DIR/NAME.address:
#   login    SASL_SSL: PLAIN, SCRAM-SHA-512 and OAUTHBEARER (unsecured tokens); user leeway, password
#            "a password"
#   mutual   SSL, a client certificate is required; DIR/client.crt is CN=leeway
#   expired  SASL_SSL with a certificate that has expired
#   other    SASL_SSL with a certificate for other.example
# DIR/ca.crt is the authority of all; DIR/foreign.crt is another one. ACLs grant permissions; initially
# only clients of the plain listener have any.

# certificate DIR NAME SUBJECT SAN DAYS: NAME.key and NAME.crt, and both in NAME.pem for Kafka.
certificate() {
    local dir=$1 name=$2
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$3" -keyout "$dir/$name.key" -out "$dir/$name.csr"
    openssl x509 -req -in "$dir/$name.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial \
        -days "$5" -extfile <(printf 'subjectAltName=%s\n' "$4") -out "$dir/$name.crt"
    cat "$dir/$name.key" "$dir/$name.crt" >"$dir/$name.pem"
}

authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 10 -subj "/CN=$2" -keyout "$1/$2.key" -out "$1/$2.crt" \
        -addext basicConstraints=critical,CA:TRUE
}

certificates() {
    local dir=$1 here=IP:127.0.0.1,DNS:localhost
    authority "$dir" ca
    authority "$dir" foreign
    certificate "$dir" server /CN=broker "$here" 10
    certificate "$dir" expired /CN=old-broker "$here" -1
    certificate "$dir" other /CN=other.example DNS:other.example 10
    certificate "$dir" client /CN=leeway DNS:leeway 10
    certificate "$dir" client-new /CN=leeway DNS:leeway 10
    certificate "$dir" client-expired /CN=leeway DNS:leeway -1
}

# logins LISTENER: its mechanisms.
logins() {
    local modules=org.apache.kafka.common.security
    cat <<EOF
listener.name.$1.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512,OAUTHBEARER
listener.name.$1.plain.sasl.jaas.config=$modules.plain.PlainLoginModule required user_leeway="a password";
listener.name.$1.scram-sha-512.sasl.jaas.config=$modules.scram.ScramLoginModule required;
listener.name.$1.oauthbearer.sasl.jaas.config=$modules.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";
EOF
}

secure() {
    local dir=$1 name port plain names=(login mutual expired other) ports
    certificates "$dir" >"$dir/certificates.log" 2>&1 || {
        cat "$dir/certificates.log" >&2
        die "could not make the certificates"
    }
    read -r -a ports < <(free_ports ${#names[@]})
    plain=$(sed -n 's/^advertised.listeners=//p' "$dir/server.properties.part")
    for name in "${names[@]}"; do
        port=${ports[0]}
        ports=("${ports[@]:1}")
        printf '127.0.0.1:%s\n' "$port" >"$dir/$name.address"
        plain+=,${name^^}://127.0.0.1:$port
    done
    sed -i -e "s|^listeners=.*|listeners=$plain,$(grep -o 'CONTROLLER://[^,]*' "$dir/server.properties.part" | head -1)|" \
        -e "s|^advertised.listeners=.*|advertised.listeners=$plain|" \
        -e 's/^\(listener.security.protocol.map=.*\)/\1,LOGIN:SASL_SSL,MUTUAL:SSL,EXPIRED:SASL_SSL,OTHER:SASL_SSL/' \
        "$dir/server.properties.part"
    {
        printf '%s\n' "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer" \
            "super.users=User:ANONYMOUS" "ssl.keystore.type=PEM" "ssl.truststore.type=PEM" \
            "ssl.truststore.location=$dir/ca.crt" "ssl.keystore.location=$dir/server.pem" \
            "listener.name.mutual.ssl.client.auth=required" \
            "listener.name.expired.ssl.keystore.type=PEM" \
            "listener.name.expired.ssl.keystore.location=$dir/expired.pem" \
            "listener.name.other.ssl.keystore.type=PEM" \
            "listener.name.other.ssl.keystore.location=$dir/other.pem" \
            'ssl.principal.mapping.rules=RULE:^CN=(.*?)$/$1/,DEFAULT'
        logins login
        logins expired
        logins other
    } >>"$dir/server.properties.part"
    users=(--add-scram 'SCRAM-SHA-512=[name=leeway,password="a password"]')
}
