/* Keys of the tests of tokens and certificates; they protect nothing. */
#pragma once

#define KEY_P256                                                                                             \
    "-----BEGIN PRIVATE KEY-----\n"                                                                          \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgX38WTllMQYNlsWnD\n"                                     \
    "4AI2liy4tkGOjNsh9uMhZQuVVZehRANCAAQQIFEuIhtYINwjcYXc6T72bjkqgP4A\n"                                     \
    "TWJq7nMBRCzzxOpxEys6oaqq7CCfcJ2tq6Koki6P/AnytTdls+oNWutx\n"                                             \
    "-----END PRIVATE KEY-----\n"

#define KEY_P256_OTHER                                                                                       \
    "-----BEGIN PRIVATE KEY-----\n"                                                                          \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgkh7xdDGCUoN05uBO\n"                                     \
    "UvkmXWrf2YQOkdhZAYAPovpP8NqhRANCAAS+cx8dd4OmQWohjcIOvaapaXzsLw9T\n"                                     \
    "l4F0F/jgrFFCyoMr417+a/zRnrqmtS+FsuKwRnjJGu8z7g2zm4DYe2hx\n"                                             \
    "-----END PRIVATE KEY-----\n"

#define KEY_P384                                                                                             \
    "-----BEGIN PRIVATE KEY-----\n"                                                                          \
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAQkjU69gQWrRLjDW3P\n"                                     \
    "LExtNNc7ZIpwHOjK1je3ko2vu7zKigMVgo3Alq1Jhyw0b5yhZANiAAS6PI4cDZIS\n"                                     \
    "IZDYqp7DnX8BtRc9rd/AvKUFclpJSGm0g1lqjTj+i5o0JVNqNaPaUYt7B252ckX0\n"                                     \
    "KCXRZ0Io9L43YBlnzoXfMCDipiXUw7lcV3hW3gXcHptqbTuSjvAfTAY=\n"                                             \
    "-----END PRIVATE KEY-----\n"

#define KEY_P521                                                                                             \
    "-----BEGIN PRIVATE KEY-----\n"                                                                          \
    "MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIBSCsDYDSCUqiXvoyh\n"                                     \
    "8pLQAfz7qOVvdOFGNPXeV8c0GVdw1f9b9mcLB7p+fROKnVc6YAcz11CN8fP4sK/U\n"                                     \
    "38zu15OhgYkDgYYABAAHaHyqWSmewamI8QEpMe9xJEgrLOehskcbL1KcDP1j9psZ\n"                                     \
    "i0cdK/CXSVsZRWXd4lq7SlnW+NTOCNEppMv7BonTQAHiuo4CuK0vVlkNVK1R64or\n"                                     \
    "y/zWK84245M2YuPZTp8fQlHiqyEiM8wvk1DhupRMCzIHQgrV8OCEmOLdHN8foU4n\n"                                     \
    "cQ==\n"                                                                                                 \
    "-----END PRIVATE KEY-----\n"

#define KEY_K256                                                                                             \
    "-----BEGIN PRIVATE KEY-----\n"                                                                          \
    "MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQgkD2aAjRLE3XEdNisGuX8\n"                                     \
    "qIURGi+uXjoBdtWtKqqPhw+hRANCAASQWVY5jQyD2nzswIkbLkAt8tHpc/ztkH/+\n"                                     \
    "h70gwT4Cd86iA3Q6qSiCyByvpYUgnUODyH3NnHKcuJPJ9M/3Q/I7\n"                                                 \
    "-----END PRIVATE KEY-----\n"

#define KEY_RSA                                                                                              \
    "-----BEGIN PRIVATE KEY-----\n"                                                                          \
    "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCzetn8tmP9t3/Y\n"                                     \
    "FTQZ2hTs8QQ7MF/VdFi7w3go5yi7q71OKrsxYYOaNAzUppCr5fmxQ7IBzBu1KUvT\n"                                     \
    "RQuHCDKrMcs8R5kS7wc/kQIbaNBBrU3+MjjQ/LsrtxFNXCb+c9vkxkliV/U89heP\n"                                     \
    "v4Mw6i2eX1BKQcQ1ST3SNfmO0a3ibyHsKW+A4mOJXNA0VdUwcEfyBxqiIBxWLzBC\n"                                     \
    "TK/EH8uo1FJxoQjZbusubUxlVNs1NCI/YUP8o5MBV0Ut5ndHi8GxvZJh1o2OQQ9M\n"                                     \
    "BQE31CeEZCBm1l3rwmS8Rs5JloJwypcHJUZkeyi+vLahrVo6dyJgIO7fN0lNWHES\n"                                     \
    "dKR3KNSlAgMBAAECggEAJKFUnxKcero6QeAl94a+UZNpESlwzbBGsd+VhQeUlSTa\n"                                     \
    "aHspJE1qHg00dywdh6/Sk56k1GATYZhxjMdhMGh4at8pQv6725TkLlGKlAyCwHy9\n"                                     \
    "17zpQqHqE2R0CA1gOftsbBcaABPCjfQN3/0uqcuJjvKWAOnGQTfXAbGZYtAhhH5h\n"                                     \
    "VyjIIj/t1tYGgafiEiOAwSCw4KHxJHKjjSKKcAH+EbeQuvfnfVSEBwNIKd453085\n"                                     \
    "AtHyj+RTL6PcOghZSeojJVGPP75kaE24uY1ySOp+FKKRFL1DucRgmff+/D7gA7fZ\n"                                     \
    "UZ/MyiAM1o+x9Bym1tBga4Zz2tO7hyUs4Hc/3ADcYQKBgQDiMS2BsWAbeEIYQDXo\n"                                     \
    "kbAM5Vqs6Oj/9kqU8Dvkb1KJV6iJtFTQO1LB2vnvUVwlDyOI1km8LQLjkWxDzU8J\n"                                     \
    "sgZxQu7pc9A6xey8FENhlISalbP2mhTTVFBbVyqdo8p9T8eLutUr87+Tphiwrtnq\n"                                     \
    "LrPiXsPEF+rFFGajLr7p1IhskQKBgQDLIcoX/k3AZD+y9Gn2BGYzXM1PZAxPSaXF\n"                                     \
    "mCv2G2djQvxxk+CZyMMgmQuf0IHLGxFA4UxUOUK1gUu1ybuWAGgT1o7z7ns5cCk0\n"                                     \
    "Cz6FdTBabjFGJitEu15HGA/zgvTKrNtn1BEgYnUwKYCABhZ5gGKLGdYQWeLtQx9z\n"                                     \
    "k8MLPH6A1QKBgQCvbe7acMSWaY3xmxN0flHpnpTWGIplwxKTM0NwZ3q/NLJtouRI\n"                                     \
    "4EnOOlSwbQynXXd08KYdgVeFQkuSxpBvd5iRjZUYkQ9GFi4GrTyZWQQDlOoP7+8I\n"                                     \
    "/JKaVR+jRd6NlCuyzsP4o8LI9ACgP+yZOYGgp1j0JIycL7dvBplhZ8orUQKBgQCH\n"                                     \
    "lA/tH8EJbl/Ns7CdkaYdFg26tY45xXAtiDmfU/8Xk3gm3oqEWilSspO9oU9gHrrP\n"                                     \
    "URC/DlDmEFxWA0V/Atp0kzpquXvphGEb6X1bWjJhyTZ+Ga+7ekucrATJhViZhfIT\n"                                     \
    "RMoBkXWiJbEsweNySSx8p0vnMfdyYOC3JaKC92d/2QKBgGgjV123up8R1kcF0pqy\n"                                     \
    "tcLEMxJB1+frkmqyZQXI9iOBnwxE+Tk4AYjMg66GHAJkg4t0Y1QVs3LcEd493M3H\n"                                     \
    "CLckj3cAVN43Xjasg7LFBmaVNOJ4XnniHR503iugq2IV5gRsNudWrslUOE16/+fT\n"                                     \
    "L/o4W4OxQTZwPfz9AM07xh3g\n"                                                                             \
    "-----END PRIVATE KEY-----\n"

#define KEY_RSA_PUBLIC                                                                                       \
    "-----BEGIN PUBLIC KEY-----\n"                                                                           \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAs3rZ/LZj/bd/2BU0GdoU\n"                                     \
    "7PEEOzBf1XRYu8N4KOcou6u9Tiq7MWGDmjQM1KaQq+X5sUOyAcwbtSlL00ULhwgy\n"                                     \
    "qzHLPEeZEu8HP5ECG2jQQa1N/jI40Py7K7cRTVwm/nPb5MZJYlf1PPYXj7+DMOot\n"                                     \
    "nl9QSkHENUk90jX5jtGt4m8h7ClvgOJjiVzQNFXVMHBH8gcaoiAcVi8wQkyvxB/L\n"                                     \
    "qNRScaEI2W7rLm1MZVTbNTQiP2FD/KOTAVdFLeZ3R4vBsb2SYdaNjkEPTAUBN9Qn\n"                                     \
    "hGQgZtZd68JkvEbOSZaCcMqXByVGZHsovry2oa1aOnciYCDu3zdJTVhxEnSkdyjU\n"                                     \
    "pQIDAQAB\n"                                                                                             \
    "-----END PUBLIC KEY-----\n"

#define KEY_RSA_SHORT                                                                                        \
    "-----BEGIN PRIVATE KEY-----\n"                                                                          \
    "MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBAMzuJ0hOQkXdR9HC\n"                                     \
    "xkk064yQvAgzVSSqlCMZ6OvPUS97NymDk1YatMcyrgX8FZAMI3qb1qoS1PRwL0bb\n"                                     \
    "1fm41untrO2Hp3zua6VO+31Cp+jag++4mHARcpzZAxOx7JHUgfGi6HauO3gRLWWQ\n"                                     \
    "Ou/ukXsDwAgKx2AukdoXXRp8UTMLAgMBAAECgYEAonw2A1uhqnlwJ34y7/qYxURB\n"                                     \
    "ApOI7+CcQlSZ3NbtfSNKMo1TthLIwaSKXM5qXmNxghasFv+FgCavJZTKzQzkwPwY\n"                                     \
    "qhDbSa2MwCzAe25wpZoKNduXG3mshqdVr4ysZ23EmDPmAihjefcZ4Yzr13H7COZT\n"                                     \
    "ZdwEDCiPwdG4HPEZA8kCQQD1FZT6jrvBO+JNS9N5ugWEWtQhv3PyVFdocF0nnrMW\n"                                     \
    "3gSTVAfn2jQgTWZxrBFJjDcUE9pt1DhMPvUkADffISffAkEA1g69puP6eTTgfBqF\n"                                     \
    "F5Jn93UzB+mvhi1rO3P4xDstmYiGRm+vYA/CHiGez4JW8BbnM43yoAUBAqXEdmAy\n"                                     \
    "kkfKVQJBAIIPiPcKphLez7KLadewY1sgxHCAZGyWW6h98MGk049wFOeGcYeV4ZG+\n"                                     \
    "4X2zfZ0VPul1u7YLKDE2O+t1/jB4LOsCQEK5s5qrZC+WMQfeiHBRngEAUpj72lAc\n"                                     \
    "JloRC5G31L4QVbLtK6DpKJyV5FhRC+KpcQacD+6bwLXfkH9J+1mn8UUCQQCfUD7x\n"                                     \
    "PoAp11nrO4gr7jyoQ6s5c5ncQjrhwuAMeCcVhP399HOMp3CDXY/oxX1WLoDUFuUQ\n"                                     \
    "qO3xBMpyhE89dJRP\n"                                                                                     \
    "-----END PRIVATE KEY-----\n"

#define KEY_RFC7515_A3                                                                                       \
    "-----BEGIN PUBLIC KEY-----\n"                                                                           \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"                                     \
    "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"                                         \
    "-----END PUBLIC KEY-----\n"

/* Signing requests (base64 of their PEM): of eve, and of x in system:masters. */
#define CSR_EVE                                                                                              \
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlISk1IQUNBUUF3RGpFTU1Bb0dBMVVFQXd3RFpYWm"             \
    "xNRmt3RXdZSEtvWkl6ajBDQVFZSUtvWkl6ajBEQVFjRApRZ0FFeHhyMlgzL1RWRkdkbEp3Q3JvOVhTY0pxQ28zUE4z"             \
    "cVhGR3ptaE1ua0R2d2F6czdhVktWaGR1T21RVG12CjlqbzZUODlLUk1pUGNwV3M1aEF2Wmp5TFdxQUFNQW9HQ0NxR1"             \
    "NNNDlCQU1DQTBrQU1FWUNJUUM4Yk9XV3BjZzEKQWZPQ2c5SUZZUGo2aUZGRzJuL1JpbGxrRXY4azdlNlFhQUloQUpQ"             \
    "cDBiNG5pY2FtUEg4SXZzZ0VwM2dwcFJZRApOUnVYMVgza3RldE5UTDNpCi0tLS0tRU5EIENFUlRJRklDQVRFIFJFUV"             \
    "VFU1QtLS0tLQo="

#define CSR_MASTER                                                                                           \
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIZ01JR0hBZ0VBTUNVeENqQUlCZ05WQkFNTUFYZ3"             \
    "hGekFWQmdOVkJBb01Ebk41YzNSbGJUcHRZWE4wWlhKegpNRmt3RXdZSEtvWkl6ajBDQVFZSUtvWkl6ajBEQVFjRFFn"             \
    "QUVZUEdyaVVzVkw4QXl0ZS9XMXFJa2tLc0NPL3RyCk9xb2dhUExZc2FpNTdoZEJLeTdFTkE0Q3A4UmVGWkR4S2M5SS"             \
    "9kUCtDbWhwRGU2bG1IQ1l6VitLbWFBQU1Bb0cKQ0NxR1NNNDlCQU1DQTBnQU1FVUNJUUNaejVKaUJyV3BDTk9MTFRP"             \
    "dHJ6RTlaQk8wMlNHZ25VUzczTGhBeGJ0dgp3QUlnTk5BMjRWQ2Judm9nVzZndGZJS2RMbU9JemNBNU9GaHNvTzJuNi"             \
    "9jNFdWMD0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg=="
